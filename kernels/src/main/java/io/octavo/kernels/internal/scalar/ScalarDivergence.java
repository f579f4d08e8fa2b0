package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.Divergence;

final class ScalarDivergence implements Divergence {

    @Override
    public void compare(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement, Stream stream) {
        HostStream.require(stream);
        Divergence.check(reference, logits, divergence, agreement);
        HostMatrix divergences = HostMatrix.of(divergence);
        HostMatrix agreements = HostMatrix.of(agreement);
        for (long row = 0; row < reference.rows(); row++) {
            float[] first = HostMatrix.of(reference).row(row);
            float[] second = HostMatrix.of(logits).row(row);
            divergences.set(0, row, (float) divergence(first, second));
            int wanted = ScalarArgMax.largest(first);
            int found = ScalarArgMax.largest(second);
            agreements.setInt(0, row, wanted < 0 || found < 0 ? -1 : wanted == found ? 1 : 0);
        }
    }

    private static double divergence(float[] reference, float[] logits) {
        double ofReference = ScalarCrossEntropy.logSumExp(reference);
        double ofLogits = ScalarCrossEntropy.logSumExp(logits);
        double sum = 0;
        for (int c = 0; c < reference.length; c++) {
            double logP = reference[c] - ofReference;
            if (logP != Double.NEGATIVE_INFINITY) {
                sum += Math.exp(logP) * (logP - (logits[c] - ofLogits));
            }
        }
        return sum;
    }
}
