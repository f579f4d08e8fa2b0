package io.octavo.kernels.internal.vector.operation;

import static io.octavo.kernels.internal.vector.base.Native.LANES;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Exponential;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.ExpertRouting;
import java.util.Arrays;

/** Keeps the best of a row in order while it reads the row once. */
public final class VectorExpertRouting implements ExpertRouting {

    private final WorkerPool workers;

    public VectorExpertRouting(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void route(Matrix logits, boolean normalize, Matrix chosen, Matrix weights, Stream stream) {
        HostStream.require(stream);
        ExpertRouting.check(logits, chosen, weights);
        int experts = (int) logits.columns();
        int perToken = (int) chosen.columns();
        long logitsAt = Native.address(logits);
        long chosenAt = Native.address(chosen);
        long weightsAt = Native.address(weights);
        workers.runRanges(logits.rows(), Grain.rows(experts * perToken), (from, to, scratch) -> {
            int padded = Math.ceilDiv(experts, LANES) * LANES;
            float[] values = scratch.floats(Scratch.Use.ROWS, padded);
            float[] powers = scratch.floats(Scratch.Use.SCORES, padded);
            int[] best = new int[perToken];
            for (long token = from; token < to; token++) {
                RowReader.read(DType.F32, logitsAt + token * experts * Float.BYTES, experts, values, 0);
                findLargest(values, experts, best);
                Arrays.fill(values, experts, padded, Float.NEGATIVE_INFINITY);
                System.arraycopy(values, 0, powers, 0, padded);
                Exponential.exp(powers, 0, padded, values[best[0]]);
                double sum = sum(powers, experts, best, normalize);
                for (int j = 0; j < perToken; j++) {
                    long at = token * perToken + j;
                    Native.setInt(chosenAt + at * Integer.BYTES, Double.isNaN(sum) ? j : best[j]);
                    Native.setFloat(weightsAt + at * Float.BYTES, (float) (powers[best[j]] / sum));
                }
            }
        });
    }

    /** In descending order, of equal ones the first before the others. A NaN is never found. */
    private static void findLargest(float[] values, int count, int[] best) {
        int found = 0;
        for (int i = 0; i < count; i++) {
            int at = found;
            while (at > 0 && values[i] > values[best[at - 1]]) {
                at--;
            }
            if (at < best.length) {
                int end = Math.min(found, best.length - 1);
                System.arraycopy(best, at, best, at + 1, end - at);
                best[at] = i;
                found = end + 1;
            }
        }
    }

    /** What the weights are divided by; NaN where the softmax of the whole row is undefined. */
    private static double sum(float[] powers, int experts, int[] best, boolean normalize) {
        double all = 0;
        for (int i = 0; i < experts; i++) {
            all += powers[i];
        }
        if (!normalize || Double.isNaN(all)) {
            return all;
        }
        double chosen = 0;
        for (int index : best) {
            chosen += powers[index];
        }
        return chosen;
    }
}
