package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Orders the rows of all tokens by the expert that they go to, so that the rows of each expert lie together; rows of one
 * expert keep the order of their tokens.
 */
public interface ExpertOrder {

    /**
     * @param chosen {@code [tokens, perToken]} I32, each in {@code [0, experts)}; the CPU backend throws on others
     * @param sources receives {@code [1, tokens * perToken]} I32: the token of each ordered row
     * @param rows receives {@code [tokens, perToken]} I32: the ordered row of each choice
     * @param starts receives {@code [1, experts + 1]} I32: expert {@code e} has the ordered rows {@code starts[e] ..
     *     starts[e + 1]}
     */
    void sort(Matrix chosen, Matrix sources, Matrix rows, Matrix starts, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix chosen, Matrix sources, Matrix rows, Matrix starts) {
        Operands.requireType("chosen", chosen, Set.of(DType.I32));
        Operands.requireInts("sources", sources, chosen.elements());
        Operands.requireType("rows", rows, Set.of(DType.I32));
        Operands.requireShape("rows", rows, chosen.rows(), chosen.columns());
        Operands.requireInts("starts", starts, Math.max(starts.columns(), 2));
        Operands.requireInt("rows", chosen.elements());
        Operands.requireIntColumns("starts", starts);
    }
}
