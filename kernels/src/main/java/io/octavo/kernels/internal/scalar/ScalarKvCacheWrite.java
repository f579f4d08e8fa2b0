package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;

final class ScalarKvCacheWrite implements KvCacheWrite {

    @Override
    public void write(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache, Stream stream) {
        HostStream.require(stream);
        KvCacheWrite.check(x, slots, layout, cache);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix slot = HostMatrix.of(slots);
        HostMatrix target = HostMatrix.of(cache.numbers());
        KvScales scales = KvScales.of(cache);
        long slotCount = (long) layout.pages() * KvCacheLayout.PAGE_TOKENS;
        for (long token = 0; token < x.rows(); token++) {
            int to = slot.getInt(0, token);
            if (to < 0) {
                continue;
            }
            Operands.requireIndex("slot", to, slotCount);
            for (int head = 0; head < layout.kvHeads(); head++) {
                long row = layout.row(to, head);
                long first = (long) head * layout.headDim();
                if (cache.hasTokenScales()) {
                    scales.set(
                            row,
                            scale(
                                    values,
                                    token,
                                    first,
                                    layout.headDim(),
                                    cache.numbers().dtype()));
                }
                for (int i = 0; i < layout.headDim(); i++) {
                    target.set(row, i, values.get(token, first + i) / scales.get(row, head));
                }
            }
        }
    }

    private static float scale(HostMatrix values, long token, long first, int count, DType cacheType) {
        float absmax = 0;
        for (int i = 0; i < count; i++) {
            absmax = Math.max(absmax, Math.abs(values.get(token, first + i)));
        }
        return ScaleRules.floating(absmax / KvCacheWrite.divisor(cacheType), DType.F32);
    }
}
