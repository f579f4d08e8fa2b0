package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/** Counts the magnitudes of numbers in bins of one width, for observers that look at how they are distributed. */
public interface ObserveHistogram {

    /** What {@code counts} holds at most. */
    int MOST_COLUMNS = 8193;

    /**
     * Adds to the count of bin {@code min((int) (|x| * (bins / range)), bins - 1)}, in f32, for every finite number; the
     * rest counts in the last column.
     *
     * @param x {@code [rows, columns]}, F32, BF16 or F16
     * @param range where the last bin ends, positive and finite; larger numbers count there too
     * @param counts {@code [1, bins + 1]} I64, at most {@link #MOST_COLUMNS} columns: what was counted before
     */
    void observe(Matrix x, float range, Matrix counts, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, float range, Matrix counts) {
        Operands.requireType("x", x, Operands.FLOATS);
        Operands.requireIntColumns("x", x);
        Operands.requireType("counts", counts, Set.of(DType.I64));
        Operands.requireShape("counts", counts, 1, counts.columns());
        if (counts.columns() < 2 || counts.columns() > MOST_COLUMNS) {
            throw new IllegalArgumentException(
                    "counts has " + counts.columns() + " columns; allowed: 2 to " + MOST_COLUMNS);
        }
        if (!(range > 0 && range < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("range must be positive and finite: " + range);
        }
    }
}
