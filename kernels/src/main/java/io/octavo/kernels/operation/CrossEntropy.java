package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/** Negative log-likelihood of one target a row: {@code log(sum(exp(x - max))) + max - x[target]}, in nats. */
public interface CrossEntropy {

    /** The target of a row that does not count. */
    int IGNORED = -100;

    /**
     * @param logits {@code [rows, vocabulary]} F32
     * @param targets {@code [1, rows]} I32; {@link #IGNORED} gives 0, any other outside the vocabulary NaN
     * @param loss receives {@code [1, rows]} F32; NaN if a logit of the row is NaN
     */
    void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream);
}
