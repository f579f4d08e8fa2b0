package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Index of the largest value of each row; the smallest index on a tie, -1 if the row holds a NaN. */
public interface ArgMax {

    /**
     * @param x {@code [rows, columns]} F32
     * @param indices receives {@code [1, rows]} I32
     */
    void find(Matrix x, Matrix indices, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix indices) {
        Operands.requireF32("x", x);
        Operands.requireInts("indices", indices, x.rows());
        Operands.requireIntColumns("x", x);
        Operands.requireAtLeastOneColumn("x", x);
    }
}
