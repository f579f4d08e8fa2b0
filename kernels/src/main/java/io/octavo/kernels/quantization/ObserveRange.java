package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Keeps the smallest and the largest number that runs of columns have shown. */
public interface ObserveRange {

    /**
     * {@code ranges[g] = (min(ranges[g, 0], x), max(ranges[g, 1], x))} over the columns of group {@code g}; NaN stays.
     *
     * @param x {@code [rows, columns]}, F32, BF16 or F16
     * @param ranges {@code [groups, 2]} F32, {@code groups} dividing {@code columns}; what was seen before
     */
    void observe(Matrix x, Matrix ranges, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix ranges) {
        Operands.requireType("x", x, Operands.FLOATS);
        Operands.requireIntColumns("x", x);
        Operands.requireF32("ranges", ranges);
        Operands.requireShape("ranges", ranges, ranges.rows(), 2);
        Operands.requireGroups("ranges", ranges.rows(), x);
    }
}
