package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Copies numbers into another floating type, rounding to nearest, ties to even. */
public interface Convert {

    /**
     * @param x {@code [rows, columns]} F32
     * @param out receives {@code [rows, columns]}, F32, BF16 or F16; too large a magnitude becomes infinite, NaN stays
     *     NaN
     */
    void convert(Matrix x, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix out) {
        Operands.requireF32("x", x);
        Operands.requireType("out", out, Operands.FLOATS);
        Operands.requireShape("out", out, x.rows(), x.columns());
    }
}
