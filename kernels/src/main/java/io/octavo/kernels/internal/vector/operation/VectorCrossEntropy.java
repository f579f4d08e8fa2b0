package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Exponential;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Lanes;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.CrossEntropy;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

public final class VectorCrossEntropy implements CrossEntropy {

    /** Summed in f32 before the sum goes into an f64: no term passes more than 64 roundings even with 4 lanes. */
    private static final int PIECE = 256;

    private final WorkerPool workers;

    public VectorCrossEntropy(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        HostStream.require(stream);
        CrossEntropy.check(logits, targets, loss);
        int columns = (int) logits.columns();
        long logitsAt = Native.address(logits);
        long targetsAt = Native.address(targets);
        long lossAt = Native.address(loss);
        workers.runRanges(logits.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] powers = scratch.floats(Scratch.Use.ROWS, PIECE);
            for (long row = from; row < to; row++) {
                int target = Native.getInt(targetsAt + row * Integer.BYTES);
                long at = logitsAt + row * columns * Float.BYTES;
                Native.setFloat(lossAt + row * Float.BYTES, loss(at, columns, target, powers));
            }
        });
    }

    private static float loss(long logits, int columns, int target, float[] powers) {
        if (target == IGNORED) {
            return 0;
        }
        if (target < 0 || target >= columns) {
            return Float.NaN;
        }
        float max = max(logits, columns);
        double wanted = Native.getFloat(logits + (long) target * Float.BYTES);
        return (float) (Math.log(sumOfExponentials(logits, columns, max, powers)) + (max - wanted));
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

    private static double sumOfExponentials(long logits, int columns, float max, float[] powers) {
        double total = 0;
        for (int c = 0; c < columns; c += PIECE) {
            int count = Math.min(PIECE, columns - c);
            RowReader.read(DType.F32, logits + (long) c * Float.BYTES, count, powers, 0);
            Arrays.fill(powers, count, PIECE, Float.NEGATIVE_INFINITY);
            Exponential.exp(powers, 0, PIECE, max);
            total += sum(powers);
        }
        return total;
    }

    private static float sum(float[] powers) {
        FloatVector sum = FloatVector.zero(FLOATS);
        for (int i = 0; i < PIECE; i += LANES) {
            sum = sum.add(FloatVector.fromArray(FLOATS, powers, i));
        }
        return Lanes.sum(sum);
    }
}
