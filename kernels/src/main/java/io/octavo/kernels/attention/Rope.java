package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/**
 * Rotary position embedding (arXiv:2104.09864) in the half-split ("neox") form: of the first {@code rotated} channels of a
 * head, channel {@code i} is rotated together with channel {@code i + rotated / 2}; the others stay.
 */
public interface Rope {

    /**
     * Rotates in place.
     *
     * @param x {@code [tokens, heads * headDim]} F32
     * @param positions {@code [1, tokens]} I32, each in {@code [0, cos.rows())}; the CPU backend throws on others
     * @param cos {@code [positions, rotated / 2]} F32, {@code rotated} at most {@code headDim}; any attention scaling already multiplied in
     * @param sin like {@code cos}
     */
    void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim) {
        if (headDim <= 0 || headDim % 2 != 0 || x.columns() % headDim != 0) {
            throw new IllegalArgumentException(
                    "headDim " + headDim + " must be even and divide the " + x.columns() + " columns of x");
        }
        Operands.requireF32("x", x);
        Operands.requireF32("cos", cos);
        Operands.requireF32("sin", sin);
        Operands.requireInts("positions", positions, x.rows());
        if (cos.columns() > headDim / 2) {
            throw new IllegalArgumentException(
                    "cos has " + cos.columns() + " columns; headDim " + headDim + " turns at most " + headDim / 2);
        }
        Operands.requireShape("sin", sin, cos.rows(), cos.columns());
        Operands.requireIntColumns("x", x);
    }
}
