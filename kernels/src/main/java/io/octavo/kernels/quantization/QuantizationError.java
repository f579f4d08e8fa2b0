package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** How far codes lie from the numbers that they were made of, and whether rounding can have put them there. */
public interface QuantizationError {

    /** Columns of the result: the sum of squared errors, the sum of squared numbers, the largest excess in scales. */
    int SQUARED_ERROR = 0;

    int SQUARED_NUMBER = 1;
    int EXCESS = 2;
    int COLUMNS = 3;

    /** Numbers that a byte can stand for. */
    int CODES = 256;

    /** Rows of the codebook: what a code stands for, and how far below and above it a number may lie, in scales. */
    int NUMBER = 0;

    int BELOW = 1;
    int ABOVE = 2;
    int CODEBOOK_ROWS = 3;

    /**
     * What the operation reads and writes.
     *
     * @param x {@code [rows, columns]}, F32, BF16 or F16
     * @param codes {@code [rows, columns]} U8, whatever the bits stand for
     * @param codebook {@code [3, 256]} F32, for each byte; infinity allows everything
     * @param scales {@code [rows, groups]} F32; a group is a run of {@code groupColumns} columns, the last may be shorter
     * @param zeroPoints {@code [rows, groups]} I8, or null for zeros
     * @param wholeScale what every scale is multiplied by
     * @param errors receives {@code [rows, 3]} F64
     * @param reach receives {@code [rows, 2 * groups]} F32: how far below and above zero the numbers of each group reach; of
     *     NaN it knows nothing
     */
    record Arguments(
            Matrix x,
            Matrix codes,
            Matrix codebook,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            float wholeScale,
            Matrix errors,
            Matrix reach) {

        /** @throws IllegalArgumentException if the operation does not take these operands */
        public Arguments {
            Operands.requireType("x", x, Operands.FLOATS);
            Operands.requireIntColumns("x", x);
            Operands.requireType("codes", codes, Set.of(DType.U8));
            Operands.requireShape("codes", codes, x.rows(), x.columns());
            Operands.requireF32("codebook", codebook);
            Operands.requireShape("codebook", codebook, CODEBOOK_ROWS, CODES);
            if (groupColumns <= 0) {
                throw new IllegalArgumentException("groups must have columns: " + groupColumns);
            }
            Operands.requireF32("scales", scales);
            Operands.requireShape("scales", scales, x.rows(), Math.ceilDiv(x.columns(), groupColumns));
            if (zeroPoints != null) {
                Operands.requireType("zeroPoints", zeroPoints, Set.of(DType.I8));
                Operands.requireShape("zeroPoints", zeroPoints, scales.rows(), scales.columns());
            }
            Operands.requireType("errors", errors, Set.of(DType.F64));
            Operands.requireShape("errors", errors, x.rows(), COLUMNS);
            Operands.requireF32("reach", reach);
            Operands.requireShape("reach", reach, x.rows(), 2 * scales.columns());
        }
    }

    /**
     * Measures every row on its own, in f64, with {@code error = (number[code] - zeroPoint) * scale * wholeScale - x}. The
     * excess is by how many scales an error is larger than {@code below[code]}, or, where it is negative, than
     * {@code above[code]}; 0 if none is. A backend adds in an order of its own, the same in every call. NaN stays.
     */
    void measure(Arguments arguments, Stream stream);
}
