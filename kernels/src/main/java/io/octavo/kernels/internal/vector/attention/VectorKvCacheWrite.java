package io.octavo.kernels.internal.vector.attention;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;

public final class VectorKvCacheWrite implements KvCacheWrite {

    private final WorkerPool workers;

    public VectorKvCacheWrite(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void write(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache, Stream stream) {
        HostStream.require(stream);
        KvCacheWrite.check(x, slots, layout, cache);
        long slotCount = (long) layout.pages() * KvCacheLayout.PAGE_TOKENS;
        int columns = (int) x.columns();
        int headDim = layout.headDim();
        long xAt = Native.address(x);
        long slotsAt = Native.address(slots);
        DType cacheType = cache.numbers().dtype();
        CacheScales scales = CacheScales.of(cache);
        long cacheAt = Native.address(cache.numbers());
        long cacheRowBytes = Matrix.bytes(cacheType, 1, headDim);
        for (long token = 0; token < x.rows(); token++) {
            int slot = Native.getInt(slotsAt + token * Integer.BYTES);
            if (slot >= 0) {
                Operands.requireIndex("slot", slot, slotCount);
            }
        }
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            for (long token = from; token < to; token++) {
                int slot = Native.getInt(slotsAt + token * Integer.BYTES);
                for (int head = 0; slot >= 0 && head < layout.kvHeads(); head++) {
                    long source = xAt + (token * columns + (long) head * headDim) * Float.BYTES;
                    long row = layout.row(slot, head);
                    if (cache.hasTokenScales()) {
                        float absmax = absmax(source, headDim);
                        scales.set(row, ScaleRules.floating(absmax / KvCacheWrite.divisor(cacheType), DType.F32));
                    }
                    store(source, headDim, cacheType, scales.get(row, head), cacheAt + row * cacheRowBytes);
                }
            }
        });
    }

    private static float absmax(long source, int count) {
        float absmax = 0;
        for (int i = 0; i < count; i++) {
            absmax = Math.max(absmax, Math.abs(Native.getFloat(source + (long) i * Float.BYTES)));
        }
        return absmax;
    }

    private static void store(long source, int count, DType dtype, float scale, long target) {
        if (dtype == DType.F32) {
            MemorySegment.copy(Native.MEMORY, source, Native.MEMORY, target, (long) count * Float.BYTES);
            return;
        }
        for (int i = 0; i < count; i++) {
            float value = Native.getFloat(source + (long) i * Float.BYTES);
            switch (dtype) {
                case BF16 -> Native.setShort(target + (long) i * Short.BYTES, BFloat16.fromFloat(value));
                case F8_E4M3 -> Native.setByte(target + i, Float8.toE4m3(value / scale));
                default -> Native.setByte(target + i, (byte) Math.clamp(Math.rint(value / scale), -128, 127));
            }
        }
    }
}
