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
import io.octavo.kernels.operation.Divergence;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * With {@code a} and {@code b} the logits less their maxima, {@code sum(p (log p - log q))} is
 * {@code sum(e^a (a - b)) / sum(e^a) - log(sum(e^a)) + log(sum(e^b))}.
 */
public final class VectorDivergence implements Divergence {

    /** Summed in f32 before a sum goes into an f64. */
    private static final int PIECE = 256;

    private final WorkerPool workers;

    public VectorDivergence(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void compare(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement, Stream stream) {
        HostStream.require(stream);
        Divergence.check(reference, logits, divergence, agreement);
        int columns = (int) reference.columns();
        long referenceAt = Native.address(reference);
        long logitsAt = Native.address(logits);
        long divergenceAt = Native.address(divergence);
        long agreementAt = Native.address(agreement);
        workers.runRanges(reference.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] first = scratch.floats(Scratch.Use.ROWS, PIECE);
            float[] second = scratch.floats(Scratch.Use.VALUES, PIECE);
            float[] powers = scratch.floats(Scratch.Use.SCORES, PIECE);
            for (long row = from; row < to; row++) {
                long firstAt = referenceAt + row * columns * Float.BYTES;
                long secondAt = logitsAt + row * columns * Float.BYTES;
                int wanted = VectorArgMax.largest(firstAt, columns);
                int found = VectorArgMax.largest(secondAt, columns);
                boolean numbers = wanted >= 0 && found >= 0;
                float difference = numbers
                        ? divergence(
                                firstAt,
                                secondAt,
                                columns,
                                Native.getFloat(firstAt + (long) wanted * Float.BYTES),
                                Native.getFloat(secondAt + (long) found * Float.BYTES),
                                first,
                                second,
                                powers)
                        : Float.NaN;
                Native.setFloat(divergenceAt + row * Float.BYTES, difference);
                Native.setInt(agreementAt + row * Integer.BYTES, numbers ? wanted == found ? 1 : 0 : -1);
            }
        });
    }

    private static float divergence(
            long firstAt,
            long secondAt,
            int columns,
            float firstMax,
            float secondMax,
            float[] first,
            float[] second,
            float[] powers) {
        double firstTotal = 0;
        double secondTotal = 0;
        double weighted = 0;
        for (int c = 0; c < columns; c += PIECE) {
            int count = Math.min(PIECE, columns - c);
            read(firstAt + (long) c * Float.BYTES, count, firstMax, first);
            read(secondAt + (long) c * Float.BYTES, count, secondMax, second);
            System.arraycopy(first, 0, powers, 0, PIECE);
            Exponential.exp(powers, 0, PIECE, 0);
            FloatVector total = FloatVector.zero(FLOATS);
            FloatVector sum = FloatVector.zero(FLOATS);
            for (int i = 0; i < PIECE; i += LANES) {
                FloatVector power = FloatVector.fromArray(FLOATS, powers, i);
                FloatVector difference =
                        FloatVector.fromArray(FLOATS, first, i).sub(FloatVector.fromArray(FLOATS, second, i));
                total = total.add(power);
                // What is impossible costs nothing, however impossible it is to the other.
                sum = sum.add(power.mul(difference).blend(0f, power.compare(VectorOperators.EQ, 0f)));
            }
            firstTotal += Lanes.sum(total);
            weighted += Lanes.sum(sum);
            Exponential.exp(second, 0, PIECE, 0);
            FloatVector others = FloatVector.zero(FLOATS);
            for (int i = 0; i < PIECE; i += LANES) {
                others = others.add(FloatVector.fromArray(FLOATS, second, i));
            }
            secondTotal += Lanes.sum(others);
        }
        return (float) (weighted / firstTotal - Math.log(firstTotal) + Math.log(secondTotal));
    }

    /** Logits less their maximum, the rest of the piece impossible. */
    private static void read(long at, int count, float max, float[] target) {
        RowReader.read(DType.F32, at, count, target, 0);
        Arrays.fill(target, count, PIECE, Float.NEGATIVE_INFINITY);
        for (int i = 0; i < PIECE; i += LANES) {
            FloatVector.fromArray(FLOATS, target, i).sub(max).intoArray(target, i);
        }
    }
}
