package io.octavo.kernels.device;

import org.jspecify.annotations.Nullable;

/**
 * Stored numbers and what they are multiplied by: {@code value[r, c] = codes[r, c] * scale(r, c)}.
 *
 * @param codes {@code [rows, columns]} in any number type
 * @param scales null for plain numbers; otherwise a floating matrix shaped {@code [1, 1]} (per tensor),
 *     {@code [rows, 1]} (per row: per channel of a weight, per token of an activation) or {@code [rows, groups]} with
 *     {@code groups} dividing {@code columns} (per group of consecutive columns)
 */
public record ScaledMatrix(Matrix codes, @Nullable Matrix scales) {

    public ScaledMatrix {
        if (scales != null) {
            boolean perTensor = scales.rows() == 1 && scales.columns() == 1;
            boolean perRowGroup =
                    scales.rows() == codes.rows() && scales.columns() > 0 && codes.columns() % scales.columns() == 0;
            if (!scales.dtype().isFloating() || !(perTensor || perRowGroup)) {
                throw new IllegalArgumentException("scales " + scales.rows() + " x " + scales.columns() + " "
                        + scales.dtype() + " do not fit codes " + codes.rows() + " x " + codes.columns());
            }
        }
    }

    public static ScaledMatrix plain(Matrix values) {
        return new ScaledMatrix(values, null);
    }

    /** The rows {@code [from, to)} with their scales, as a view. */
    public ScaledMatrix rows(long from, long to) {
        Matrix part = scales == null || scales.rows() != codes.rows() ? scales : scales.rows(from, to);
        return new ScaledMatrix(codes.rows(from, to), part);
    }

    public long rows() {
        return codes.rows();
    }

    public long columns() {
        return codes.columns();
    }
}
