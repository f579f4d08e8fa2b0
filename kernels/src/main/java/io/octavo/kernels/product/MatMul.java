package io.octavo.kernels.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import java.util.List;

/**
 * {@code out[m, n] = sum over k of a(m, k) * w(n, k)}: activations times the transpose of a weight, accumulated in f32
 * in an order that depends on shapes only.
 */
public interface MatMul {

    /**
     * @param a activations {@code [M, K]}: F32, BF16, F16, or F8_E4M3/I8 with scales per tensor or per row
     * @param w weight {@code [N, K]}: F32, BF16, F16, F8_E4M3 or I8, scales per tensor, per row or per group.
     *     Where {@code a} is BF16, a backend may round weights that have groups, scale included, to BF16.
     * @param out receives {@code [M, N]}, F32
     */
    void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream);

    /** Products of the same activations, which a device may compute at once: {@code outs} each get theirs. */
    default void multiplyAll(ScaledMatrix a, List<ScaledMatrix> weights, List<Matrix> outs, Stream stream) {
        for (int i = 0; i < weights.size(); i++) {
            multiply(a, weights.get(i), outs.get(i), stream);
        }
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(ScaledMatrix a, ScaledMatrix w, Matrix out) {
        Operands.requireType("a", a.codes(), Operands.MATMUL);
        Operands.requireType("w", w.codes(), Operands.MATMUL);
        Operands.requireF32("out", out);
        Operands.requireShape("w", w.codes(), w.rows(), a.columns());
        Operands.requireShape("out", out, a.rows(), w.rows());
        Operands.requireIntColumns("a", a.codes());
        Operands.requireIntRows("a", a.codes());
        Operands.requireIntRows("w", w.codes());
        Operands.requireScales("a", a);
        Operands.requireScales("w", w);
        Matrix aScales = a.scales();
        if (aScales != null && aScales.columns() > 1) {
            throw new IllegalArgumentException(
                    "a has " + aScales.columns() + " scales a row; activations take one a tensor or one a row");
        }
    }
}
