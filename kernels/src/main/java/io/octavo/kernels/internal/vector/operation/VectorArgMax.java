package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.ArgMax;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/** Finds the largest value, then the first place that holds it. */
public final class VectorArgMax implements ArgMax {

    private final WorkerPool workers;

    public VectorArgMax(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void find(Matrix x, Matrix indices, Stream stream) {
        HostStream.require(stream);
        ArgMax.check(x, indices);
        int columns = (int) x.columns();
        long xAt = Native.address(x);
        long indicesAt = Native.address(indices);
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            for (long row = from; row < to; row++) {
                int index = largest(xAt + row * columns * Float.BYTES, columns);
                Native.setInt(indicesAt + row * Integer.BYTES, index);
            }
        });
    }

    /** -1 if there is a NaN. */
    static int largest(long x, int columns) {
        FloatVector max = FloatVector.broadcast(Native.FLOATS, Float.NEGATIVE_INFINITY);
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            max = max.max(Native.load(x + (long) c * Float.BYTES));
        }
        float largest = max.reduceLanes(VectorOperators.MAX);
        for (; c < columns; c++) {
            largest = Math.max(largest, Native.getFloat(x + (long) c * Float.BYTES));
        }
        return Float.isNaN(largest) ? -1 : indexOf(x, largest);
    }

    /** {@code value} is there, so the search ends. */
    private static int indexOf(long x, float value) {
        int index = 0;
        while (Native.getFloat(x + (long) index * Float.BYTES) != value) {
            index++;
        }
        return index;
    }
}
