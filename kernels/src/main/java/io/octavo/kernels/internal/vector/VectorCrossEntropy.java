package io.octavo.kernels.internal.vector;

import static io.octavo.kernels.internal.vector.Native.FLOATS;
import static io.octavo.kernels.internal.vector.Native.LANES;

import io.octavo.kernels.CrossEntropy;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.host.HostStream;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

final class VectorCrossEntropy implements CrossEntropy {

    /** Vectors that are summed in f32 before the sum goes into an f64: keeps the relative error below 2^-19. */
    private static final int RUN = 16;

    private final WorkerPool workers;

    VectorCrossEntropy(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        HostStream.require(stream);
        Operands.checkCrossEntropy(logits, targets, loss);
        int columns = (int) logits.columns();
        long logitsAt = Native.address(logits);
        long targetsAt = Native.address(targets);
        long lossAt = Native.address(loss);
        workers.runRanges(logits.rows(), Grain.rows(columns), (from, to, scratch) -> {
            for (long row = from; row < to; row++) {
                int target = Native.getInt(targetsAt + row * Integer.BYTES);
                long at = logitsAt + row * columns * Float.BYTES;
                Native.setFloat(lossAt + row * Float.BYTES, loss(at, columns, target));
            }
        });
    }

    private static float loss(long logits, int columns, int target) {
        if (target == IGNORED) {
            return 0;
        }
        if (target < 0 || target >= columns) {
            return Float.NaN;
        }
        float max = max(logits, columns);
        double wanted = Native.getFloat(logits + (long) target * Float.BYTES);
        return (float) (Math.log(sumOfExponentials(logits, columns, max)) + (max - wanted));
    }

    /** NaN if any is NaN. */
    private static float max(long logits, int columns) {
        FloatVector max = FloatVector.broadcast(FLOATS, Float.NEGATIVE_INFINITY);
        int c = 0;
        for (; c + LANES <= columns; c += LANES) {
            max = max.max(Native.load(logits + (long) c * Float.BYTES));
        }
        float result = max.reduceLanes(VectorOperators.MAX);
        for (; c < columns; c++) {
            result = Math.max(result, Native.getFloat(logits + (long) c * Float.BYTES));
        }
        return result;
    }

    private static double sumOfExponentials(long logits, int columns, float max) {
        double total = 0;
        int c = 0;
        while (c + LANES <= columns) {
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int run = 0; run < RUN && c + LANES <= columns; run++, c += LANES) {
                sum = sum.add(Exponential.exp(
                        Native.load(logits + (long) c * Float.BYTES).sub(max)));
            }
            total += Lanes.sum(sum);
        }
        VectorMask<Float> rest = FLOATS.indexInRange(c, columns);
        FloatVector last = Exponential.exp(
                Native.load(logits + (long) c * Float.BYTES, rest).sub(max));
        return total + Lanes.sum(FloatVector.zero(FLOATS).blend(last, rest));
    }
}
