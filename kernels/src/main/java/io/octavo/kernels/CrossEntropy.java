package io.octavo.kernels;

/** Negative log-likelihood of one target a row: {@code log(sum(exp(x - max))) + max - x[target]}, in nats. */
public interface CrossEntropy {

    /**
     * @param logits {@code [rows, vocabulary]} F32
     * @param targets {@code [1, rows]} I32; -100 is ignored and gives 0
     * @param loss receives {@code [1, rows]} F32; NaN if a logit of the row is NaN
     */
    void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream);
}
