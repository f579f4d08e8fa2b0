package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.quantization.ObserveRange;
import java.util.Arrays;

/** Threads observe rows of their own and then join what they saw: minima and maxima know no order. */
public final class VectorObserveRange implements ObserveRange {

    private final WorkerPool workers;

    public VectorObserveRange(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void observe(Matrix x, Matrix ranges, Stream stream) {
        HostStream.require(stream);
        ObserveRange.check(x, ranges);
        int columns = (int) x.columns();
        int groups = (int) ranges.rows();
        int size = columns / groups;
        long xAt = Native.address(x);
        long rangesAt = Native.address(ranges);
        Object lock = new Object();
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            float[] lows = new float[groups];
            float[] highs = new float[groups];
            Arrays.fill(lows, Float.POSITIVE_INFINITY);
            Arrays.fill(highs, Float.NEGATIVE_INFINITY);
            for (long row = from; row < to; row++) {
                RowReader.read(x.dtype(), xAt + row * columns * x.dtype().bytes(), columns, values, 0);
                TileEncoder.range(values, 0, columns, size, lows, highs);
            }
            synchronized (lock) {
                join(lows, highs, rangesAt);
            }
        });
    }

    private static void join(float[] lows, float[] highs, long rangesAt) {
        for (int group = 0; group < lows.length; group++) {
            long at = rangesAt + 2L * group * Float.BYTES;
            float low = Math.min(Native.getFloat(at), lows[group]);
            float high = Math.max(Native.getFloat(at + Float.BYTES), highs[group]);
            boolean number = !Float.isNaN(low) && !Float.isNaN(high);
            Native.setFloat(at, number ? low : Float.NaN);
            Native.setFloat(at + Float.BYTES, number ? high : Float.NaN);
        }
    }
}
