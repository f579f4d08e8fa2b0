package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.CrossEntropy;

final class ScalarCrossEntropy implements CrossEntropy {

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        HostStream.require(stream);
        CrossEntropy.check(logits, targets, loss);
        HostMatrix values = HostMatrix.of(logits);
        HostMatrix target = HostMatrix.of(targets);
        HostMatrix result = HostMatrix.of(loss);
        for (long row = 0; row < logits.rows(); row++) {
            int wanted = target.getInt(0, row);
            if (wanted == IGNORED) {
                result.set(0, row, 0);
            } else if (wanted < 0 || wanted >= logits.columns()) {
                result.set(0, row, Float.NaN);
            } else {
                result.set(0, row, (float) (logSumExp(values.row(row)) - values.get(row, wanted)));
            }
        }
    }

    static double logSumExp(float[] values) {
        float max = Float.NEGATIVE_INFINITY;
        for (float value : values) {
            max = Math.max(max, value);
        }
        double sum = 0;
        for (float value : values) {
            sum += Math.exp((double) value - max);
        }
        return Math.log(sum) + max;
    }
}
