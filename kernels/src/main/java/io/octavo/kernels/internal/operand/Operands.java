package io.octavo.kernels.internal.operand;

import static java.util.Collections.unmodifiableSet;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.util.EnumSet;
import java.util.Set;

/**
 * What the checks of operations are made of. Those alone stand between a kernel and memory that is not its own: fast kernels
 * read without bounds checks. All throw {@link IllegalArgumentException}.
 */
public final class Operands {

    public static final Set<DType> FLOATS = unmodifiableSet(EnumSet.of(DType.F32, DType.BF16, DType.F16));
    public static final Set<DType> MATMUL =
            unmodifiableSet(EnumSet.of(DType.F32, DType.BF16, DType.F16, DType.F8_E4M3, DType.I8));
    public static final Set<DType> PACKED_MATMUL = unmodifiableSet(EnumSet.of(DType.F32, DType.BF16));
    public static final Set<DType> CACHE = unmodifiableSet(EnumSet.of(DType.F32, DType.BF16, DType.F8_E4M3, DType.I8));
    public static final Set<DType> CODES = unmodifiableSet(EnumSet.of(DType.F8_E4M3, DType.I8));

    private Operands() {}

    /** For indices that only the running operation sees. */
    public static int requireIndex(String what, int index, long size) {
        if (index < 0 || index >= size) {
            throw new IllegalArgumentException(what + " " + index + " is outside [0, " + size + ")");
        }
        return index;
    }

    public static void requireF32(String name, Matrix matrix) {
        requireType(name, matrix, Set.of(DType.F32));
    }

    public static void requireInts(String name, Matrix matrix, long count) {
        requireType(name, matrix, Set.of(DType.I32));
        requireShape(name, matrix, 1, count);
    }

    public static void requireScales(String name, ScaledMatrix matrix) {
        Matrix scales = matrix.scales();
        if (scales != null) {
            requireType(name + " scales", scales, FLOATS);
        }
    }

    /**
     * Square matrices below each other, each with an equal share of some rows.
     *
     * @return how many; 1 where they have no columns
     */
    public static int requireSquares(String name, Matrix squares, long columns, long rows) {
        requireF32(name, squares);
        long count = columns == 0 ? 1 : squares.rows() / columns;
        requireShape(name, squares, count * columns, columns);
        if (count == 0 || rows % count != 0) {
            throw new IllegalArgumentException(name + " are " + count + " for " + rows + " rows");
        }
        requireInt(name, count);
        return (int) count;
    }

    /** The {@code index}-th of {@code count} parts of a row. */
    public static Matrix columnsPart(Matrix row, int index, int count) {
        return row.reshape(row.columns(), 1).part(index, count).reshape(1, row.columns() / count);
    }

    public static void requireType(String name, Matrix matrix, Set<DType> allowed) {
        if (!allowed.contains(matrix.dtype())) {
            throw new IllegalArgumentException(name + " is " + matrix.dtype() + "; allowed: " + allowed);
        }
    }

    public static void requireShape(String name, Matrix matrix, long rows, long columns) {
        if (matrix.rows() != rows || matrix.columns() != columns) {
            throw new IllegalArgumentException(
                    name + " is " + matrix.rows() + " x " + matrix.columns() + ", expected " + rows + " x " + columns);
        }
    }

    public static void requireIntRows(String name, Matrix matrix) {
        requireInt(name + " rows", matrix.rows());
    }

    public static void requireIntColumns(String name, Matrix matrix) {
        requireInt(name + " columns", matrix.columns());
    }

    public static void requireAtLeastOneColumn(String name, Matrix matrix) {
        if (matrix.columns() == 0) {
            throw new IllegalArgumentException(name + " has no columns");
        }
    }

    public static void requireInt(String what, long value) {
        // Kernels round counts up to their tiles in int arithmetic.
        if (value > Integer.MAX_VALUE - 4096) {
            throw new IllegalArgumentException(what + " must be below 2^31 - 4096: " + value);
        }
    }

    public static void requireGroups(String name, long groups, Matrix x) {
        if (groups <= 0 || x.columns() % groups != 0) {
            throw new IllegalArgumentException(
                    name + " are " + groups + ", which does not divide " + x.columns() + " columns");
        }
    }
}
