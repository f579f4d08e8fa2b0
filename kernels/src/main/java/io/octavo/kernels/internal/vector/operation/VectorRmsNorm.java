package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.operation.RmsNorm;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

public final class VectorRmsNorm implements RmsNorm {

    private final WorkerPool workers;

    public VectorRmsNorm(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void normalize(Matrix x, Matrix weight, float gainOffset, float epsilon, Matrix out, Stream stream) {
        HostStream.require(stream);
        RmsNorm.check(x, weight, out);
        int columns = (int) x.columns();
        long xAt = Native.address(x);
        long weightAt = Native.address(weight);
        long outAt = Native.address(out);
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] gain = scratch.floats(Scratch.Use.SCALES, columns);
            RowReader.read(weight.dtype(), weightAt, columns, gain, 0);
            for (int c = 0; c < columns; c++) {
                gain[c] += gainOffset;
            }
            for (long row = from; row < to; row++) {
                long offset = row * columns * Float.BYTES;
                float meanSquare = squares(xAt + offset, columns) / columns;
                float inverse = (float) (1 / Math.sqrt((double) meanSquare + epsilon));
                scale(xAt + offset, inverse, gain, columns, outAt + offset);
            }
        });
    }

    /** Four sums side by side hide the latency of the multiply-add. */
    private static float squares(long x, int columns) {
        FloatVector sum0 = FloatVector.zero(FLOATS);
        FloatVector sum1 = FloatVector.zero(FLOATS);
        FloatVector sum2 = FloatVector.zero(FLOATS);
        FloatVector sum3 = FloatVector.zero(FLOATS);
        int c = 0;
        for (; c + 4 * LANES <= columns; c += 4 * LANES) {
            sum0 = addSquare(sum0, Native.load(x + (long) c * Float.BYTES));
            sum1 = addSquare(sum1, Native.load(x + (long) (c + LANES) * Float.BYTES));
            sum2 = addSquare(sum2, Native.load(x + (long) (c + 2 * LANES) * Float.BYTES));
            sum3 = addSquare(sum3, Native.load(x + (long) (c + 3 * LANES) * Float.BYTES));
        }
        for (; c < columns; c += LANES) {
            sum0 = addSquare(sum0, Native.load(x + (long) c * Float.BYTES, FLOATS.indexInRange(c, columns)));
        }
        return Lanes.sum(sum0.add(sum1).add(sum2.add(sum3)));
    }

    private static FloatVector addSquare(FloatVector sum, FloatVector x) {
        return x.fma(x, sum);
    }

    private static void scale(long x, float inverse, float[] gain, int columns, long out) {
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            long at = (long) c * Float.BYTES;
            FloatVector normalized = Native.load(x + at).mul(inverse);
            Native.store(normalized.mul(FloatVector.fromArray(FLOATS, gain, c)), out + at);
        }
        VectorMask<Float> rest = FLOATS.indexInRange(c, columns);
        long at = (long) c * Float.BYTES;
        FloatVector normalized = Native.load(x + at, rest).mul(inverse);
        Native.store(normalized.mul(FloatVector.fromArray(FLOATS, gain, c, rest)), out + at, rest);
    }
}
