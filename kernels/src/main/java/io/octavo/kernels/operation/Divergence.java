package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

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

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement) {
        Operands.requireF32("reference", reference);
        Operands.requireF32("logits", logits);
        Operands.requireShape("logits", logits, reference.rows(), reference.columns());
        Operands.requireF32("divergence", divergence);
        Operands.requireShape("divergence", divergence, 1, reference.rows());
        Operands.requireInts("agreement", agreement, reference.rows());
        Operands.requireIntColumns("reference", reference);
        Operands.requireAtLeastOneColumn("reference", reference);
    }
}
