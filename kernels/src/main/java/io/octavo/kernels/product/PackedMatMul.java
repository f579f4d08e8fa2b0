package io.octavo.kernels.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import java.util.List;
import java.util.Set;

/**
 * {@code out[m, n] = sum over k of a(m, k) * w(n, k)} for weights of 4 bits as checkpoints pack them, which a GPU leaves so
 * in its memory: with few rows of activations, a product takes as long as reading the weight.
 */
public interface PackedMatMul {

    /** Codes of 4 bits that fill a vector, and what their groups are multiples of. */
    int ROW_UNIT = 32;

    int GROUP_UNIT = 16;

    /**
     * @param a activations {@code [M, K]}, F32 or BF16; {@code K} a multiple of 32
     * @param codes weight {@code [N, K / 2]} U8, as {@link CodeFormat#INT4_OFFSET}
     * @param scales {@code [N, groups]}, F32, BF16 or F16; {@code K / groups} a multiple of 16. Where {@code a} is BF16, a
     *     backend may round weights, scale included, to BF16.
     * @param out receives {@code [M, N]}, F32
     */
    void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream);

    /** Products of the same activations, which a device may compute at once: {@code outs} each get theirs. */
    default void multiplyAll(Matrix a, List<Matrix> codes, List<Matrix> scales, List<Matrix> outs, Stream stream) {
        for (int i = 0; i < codes.size(); i++) {
            multiply(a, codes.get(i), scales.get(i), outs.get(i), stream);
        }
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix a, Matrix codes, Matrix scales, Matrix out) {
        Operands.requireType("a", a, Operands.PACKED_MATMUL);
        Operands.requireType("codes", codes, Set.of(DType.U8));
        Operands.requireType("scales", scales, Operands.FLOATS);
        Operands.requireF32("out", out);
        Operands.requireIntColumns("a", a);
        Operands.requireIntRows("a", a);
        Operands.requireIntRows("codes", codes);
        if (a.columns() % ROW_UNIT != 0) {
            throw new IllegalArgumentException(
                    "a has " + a.columns() + " columns, which must be a multiple of " + ROW_UNIT);
        }
        Operands.requireShape("codes", codes, codes.rows(), a.columns() / 2);
        Operands.requireShape("scales", scales, codes.rows(), scales.columns());
        Operands.requireShape("out", out, a.rows(), codes.rows());
        Operands.requireGroups("scales", scales.columns(), a);
        if (a.columns() / scales.columns() % GROUP_UNIT != 0) {
            throw new IllegalArgumentException("groups of " + a.columns() / scales.columns()
                    + " columns, which must be a multiple of " + GROUP_UNIT);
        }
    }
}
