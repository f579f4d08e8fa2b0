package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Chooses the experts of each token: the largest router logits and their weights.
 *
 * <pre>
 *   p = softmax(logits[t, :]);  e = the perToken largest, in descending order;  w = p[e], or p[e] / sum(p[e])
 * </pre>
 *
 * <p>Of equal logits the smaller index comes first. A row whose softmax is undefined, because it holds a NaN or positive
 * infinity or nothing finite, gets the experts {@code 0, 1, ...} with weights of NaN.
 */
public interface ExpertRouting {

    /**
     * @param logits {@code [tokens, experts]} F32
     * @param normalize whether the weights of a token sum to 1
     * @param chosen receives {@code [tokens, perToken]} I32, {@code perToken} at most {@code experts}
     * @param weights receives {@code [tokens, perToken]} F32
     */
    void route(Matrix logits, boolean normalize, Matrix chosen, Matrix weights, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix logits, Matrix chosen, Matrix weights) {
        Operands.requireF32("logits", logits);
        Operands.requireType("chosen", chosen, Set.of(DType.I32));
        Operands.requireF32("weights", weights);
        Operands.requireShape("chosen", chosen, logits.rows(), chosen.columns());
        Operands.requireShape("weights", weights, logits.rows(), chosen.columns());
        Operands.requireIntColumns("logits", logits);
        if (chosen.columns() < 1 || chosen.columns() > logits.columns()) {
            throw new IllegalArgumentException(
                    "chosen has " + chosen.columns() + " columns; allowed: 1 to the " + logits.columns() + " experts");
        }
    }
}
