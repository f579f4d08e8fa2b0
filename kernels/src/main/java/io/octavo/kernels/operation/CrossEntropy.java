package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

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

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix logits, Matrix targets, Matrix loss) {
        Operands.requireF32("logits", logits);
        Operands.requireInts("targets", targets, logits.rows());
        Operands.requireF32("loss", loss);
        Operands.requireShape("loss", loss, 1, logits.rows());
        Operands.requireIntColumns("logits", logits);
        Operands.requireAtLeastOneColumn("logits", logits);
    }
}
