package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;
import java.util.concurrent.atomic.AtomicBoolean;

public final class VectorQuantizeRows implements QuantizeRows {

    private final WorkerPool workers;

    public VectorQuantizeRows(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        HostStream.require(stream);
        QuantizeRows.check(x, codes, scales, divisor, nonFinite);
        int columns = (int) x.columns();
        boolean halves = areHalves(x, scales);
        long xAt = Native.address(x);
        long codesAt = Native.address(codes);
        long scalesAt = Native.address(scales);
        long flagAt = Native.address(nonFinite);
        AtomicBoolean finite = new AtomicBoolean(true);
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            for (long row = from; row < to; row++) {
                RowReader.read(x.dtype(), xAt + row * columns * x.dtype().bytes(), columns, values, 0);
                float absmax = RowEncoder.absmax(values, columns);
                float scale = storeScale(
                        scales.dtype(),
                        absmax / divisor,
                        scalesAt + row * scales.dtype().bytes());
                if (!Float.isFinite(scale)) {
                    finite.set(false);
                }
                RowEncoder.encode(codes.dtype(), values, columns, scale, halves, codesAt + row * columns);
            }
        });
        if (!finite.get()) {
            Native.setInt(flagAt, 1);
        }
    }

    private static boolean areHalves(Matrix x, Matrix scales) {
        return x.dtype().bytes() == Short.BYTES && scales.dtype().bytes() == Short.BYTES;
    }

    /** Stores a scale, epsilon in place of zero, and returns what was stored. */
    private static float storeScale(DType dtype, float scale, long address) {
        return switch (dtype) {
            case F32 -> {
                float stored = scale == 0 ? 0x1p-23f : scale;
                Native.setFloat(address, stored);
                yield stored;
            }
            case BF16 -> {
                short bits = BFloat16.fromFloat(scale);
                short stored = bits == 0 ? BFloat16.fromFloat(0x1p-7f) : bits;
                Native.setShort(address, stored);
                yield BFloat16.toFloat(stored);
            }
            case F16 -> {
                short bits = Float.floatToFloat16(scale);
                short stored = bits == 0 ? Float.floatToFloat16(0x1p-10f) : bits;
                Native.setShort(address, stored);
                yield Float.float16ToFloat(stored);
            }
            default -> throw new IllegalArgumentException("not a type of scales: " + dtype);
        };
    }
}
