package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.quantization.ObserveHistogram;

/** Threads count rows of their own and then add up: vectors cannot count, but types are widened by vectors. */
public final class VectorObserveHistogram implements ObserveHistogram {

    private final WorkerPool workers;

    public VectorObserveHistogram(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void observe(Matrix x, float range, Matrix counts, Stream stream) {
        HostStream.require(stream);
        ObserveHistogram.check(x, range, counts);
        int columns = (int) x.columns();
        int bins = (int) counts.columns() - 1;
        float factor = bins / range;
        long xAt = Native.address(x);
        long countsAt = Native.address(counts);
        Object lock = new Object();
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            long[] found = new long[bins + 1];
            for (long row = from; row < to; row++) {
                RowReader.read(x.dtype(), xAt + row * columns * x.dtype().bytes(), columns, values, 0);
                count(values, columns, factor, found);
            }
            synchronized (lock) {
                for (int bin = 0; bin <= bins; bin++) {
                    long at = countsAt + (long) bin * Long.BYTES;
                    Native.setLong(at, Native.getLong(at) + found[bin]);
                }
            }
        });
    }

    private static void count(float[] values, int columns, float factor, long[] found) {
        int bins = found.length - 1;
        for (int c = 0; c < columns; c++) {
            float magnitude = Math.abs(values[c]);
            found[Float.isFinite(magnitude) ? Math.min((int) (magnitude * factor), bins - 1) : bins]++;
        }
    }
}
