package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.ExpertRouting;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

final class ScalarExpertRouting implements ExpertRouting {

    @Override
    public void route(Matrix logits, boolean normalize, Matrix chosen, Matrix weights, Stream stream) {
        HostStream.require(stream);
        ExpertRouting.check(logits, chosen, weights);
        HostMatrix values = HostMatrix.of(logits);
        HostMatrix indices = HostMatrix.of(chosen);
        HostMatrix result = HostMatrix.of(weights);
        for (long token = 0; token < logits.rows(); token++) {
            double[] probabilities = softmax(values.row(token));
            List<Integer> best = largest(values.row(token), probabilities, chosen.columns());
            double sum =
                    normalize ? best.stream().mapToDouble(e -> probabilities[e]).sum() : 1;
            for (int j = 0; j < best.size(); j++) {
                indices.setInt(token, j, best.get(j));
                result.set(token, j, (float) (probabilities[best.get(j)] / sum));
            }
        }
    }

    /** All NaN where it is undefined. */
    private static double[] softmax(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double[] probabilities = new double[logits.length];
        double sum = 0;
        for (int e = 0; e < logits.length; e++) {
            probabilities[e] = Math.exp(logits[e] - max);
            sum += probabilities[e];
        }
        for (int e = 0; e < logits.length; e++) {
            probabilities[e] /= sum;
        }
        return probabilities;
    }

    /** The sort is stable, so of equal logits the first stays first. */
    private static List<Integer> largest(float[] logits, double[] probabilities, long count) {
        Comparator<Integer> descending =
                (first, second) -> logits[second] > logits[first] ? 1 : logits[second] < logits[first] ? -1 : 0;
        var experts = IntStream.range(0, logits.length).boxed();
        return (Double.isNaN(probabilities[0]) ? experts : experts.sorted(descending))
                .limit(count)
                .toList();
    }
}
