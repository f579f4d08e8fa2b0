package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/** How far the distributions of a model's next tokens lie from those of another model. */
public interface Divergence {

    /**
     * With {@code p = softmax(reference[r])} and {@code q = softmax(logits[r])}:
     *
     * <pre>
     *   divergence[r] = sum(p * (log(p) - log(q)))                  in nats; infinite where q is 0 and p is not
     *   agreement[r]  = 1 if both have their largest in one place   the smallest index on a tie
     * </pre>
     *
     * @param reference {@code [rows, vocabulary]} F32
     * @param logits like {@code reference}
     * @param divergence receives {@code [1, rows]} F32; NaN if a logit of either row is NaN
     * @param agreement receives {@code [1, rows]} I32; 1 or 0, -1 if a logit of either row is NaN
     */
    void compare(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement, Stream stream);
}
