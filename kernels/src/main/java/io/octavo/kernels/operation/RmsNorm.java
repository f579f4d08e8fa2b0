package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Root mean square normalization (arXiv:1910.07467): {@code y = x * rsqrt(mean(x^2) + epsilon) * gain}, in f32. */
public interface RmsNorm {

    /**
     * @param x {@code [rows, columns]} F32
     * @param weight {@code [1, columns]} F32, BF16 or F16
     * @param gainOffset added to every weight to form the gain: 0 for Llama, 1 for Gemma
     * @param out receives {@code [rows, columns]} F32; may be {@code x} itself
     */
    void normalize(Matrix x, Matrix weight, float gainOffset, float epsilon, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix weight, Matrix out) {
        Operands.requireF32("x", x);
        Operands.requireF32("out", out);
        Operands.requireType("weight", weight, Operands.FLOATS);
        Operands.requireShape("weight", weight, 1, x.columns());
        Operands.requireShape("out", out, x.rows(), x.columns());
        Operands.requireIntColumns("x", x);
    }
}
