package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.KvCacheLayout;
import io.octavo.kernels.KvCacheWrite;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;

final class ScalarKvCacheWrite implements KvCacheWrite {

    @Override
    public void write(Matrix x, Matrix slots, KvCacheLayout layout, Matrix cache, Stream stream) {
        HostStream.require(stream);
        Operands.checkKvCacheWrite(x, slots, layout, cache);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix slot = HostMatrix.of(slots);
        HostMatrix target = HostMatrix.of(cache);
        long slotCount = (long) layout.pages() * KvCacheLayout.PAGE_TOKENS;
        for (long token = 0; token < x.rows(); token++) {
            int to = slot.getInt(0, token);
            if (to < 0) {
                continue;
            }
            Operands.requireIndex("slot", to, slotCount);
            for (int head = 0; head < layout.kvHeads(); head++) {
                long row = layout.row(to, head);
                for (int i = 0; i < layout.headDim(); i++) {
                    target.set(row, i, values.get(token, (long) head * layout.headDim() + i));
                }
            }
        }
    }
}
