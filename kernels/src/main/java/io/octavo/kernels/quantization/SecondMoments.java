package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Sums of products of columns, of which GPTQ makes its Hessians; those of several inputs lie below each other. */
public interface SecondMoments {

    /**
     * {@code sums[i, j] += sum over t of x[t, i] * x[t, j]} for {@code i <= j}; what lies below the diagonal may change until
     * it is {@linkplain #mirror mirrored}. The same numbers give the same bits on the same device. Products are exact; tensor
     * cores cut sums off where others round, about 2^-24 of them every 16 tokens of a call.
     *
     * @param x {@code [tokens, columns]} BF16
     * @param sums {@code [columns, columns]} F32; what was seen before
     */
    void accumulate(Matrix x, Matrix sums, Stream stream);

    /**
     * {@code sums[i, j] += sum over t of x[t, i] * y[t, j]}, like {@link #accumulate(Matrix, Matrix, Stream)}, but for all
     * {@code i} and {@code j}.
     *
     * @param x {@code [tokens, columns]} BF16
     * @param y {@code [tokens, columns]} BF16
     * @param sums {@code [columns, columns]} F32; what was seen before
     */
    void accumulate(Matrix x, Matrix y, Matrix sums, Stream stream);

    /**
     * {@link #accumulate(Matrix, Matrix, Stream)} of runs of rows, each with sums of its own.
     *
     * @param x {@code [tokens, columns]} BF16
     * @param starts {@code [1, groups + 1]} I32, ascending: where the rows of each group begin and those of the last end
     * @param sums {@code [groups * columns, columns]} F32; what was seen before
     * @param counts {@code [1, groups]} I32, grow by the rows of each group
     */
    void accumulateGroups(Matrix x, Matrix starts, Matrix sums, Matrix counts, Stream stream);

    /**
     * {@code sums[0, j] += sum over t of x[t, j]^2}. The same numbers give the same bits on the same device.
     *
     * @param x {@code [tokens, columns]} F32
     * @param sums {@code [1, columns]} F32; what was seen before
     */
    void squares(Matrix x, Matrix sums, Stream stream);

    /**
     * Makes what lies below diagonals equal to what lies above them.
     *
     * @param sums {@code [count * columns, columns]} F32
     */
    void mirror(Matrix sums, Stream stream);

    /**
     * Of each matrix {@code out[i, j] = sums[order[i], order[j]] * share}, and {@code added} more on the diagonal.
     *
     * @param sums {@code [count * columns, columns]} F32
     * @param order {@code [count, columns]} I32; null for 0, 1, 2 and so on; the CPU backend throws on what is no column
     * @param shares {@code [count, 2]} F32: each matrix's share and what is added
     * @param out receives {@code [count * columns, columns]} F32; none of {@code sums}, but without an order it may be those
     */
    void arrange(Matrix sums, @Nullable Matrix order, Matrix shares, Matrix out, Stream stream);

    /** @param out receives {@code [count, columns]} F32: the diagonals of {@code sums} */
    void diagonal(Matrix sums, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkArranged(Matrix sums, @Nullable Matrix order, Matrix shares, Matrix out) {
        int count = check(sums);
        check(out);
        Operands.requireShape("out", out, sums.rows(), sums.columns());
        Operands.requireF32("shares", shares);
        Operands.requireShape("shares", shares, count, 2);
        if (order != null) {
            Operands.requireType("order", order, Set.of(DType.I32));
            Operands.requireShape("order", order, count, sums.columns());
        }
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkDiagonal(Matrix sums, Matrix out) {
        int count = check(sums);
        Operands.requireF32("out", out);
        Operands.requireShape("out", out, count, sums.columns());
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkGroups(Matrix x, Matrix starts, Matrix sums, Matrix counts) {
        checkTokens(x);
        Operands.requireType("starts", starts, Set.of(DType.I32));
        Operands.requireShape("starts", starts, 1, Math.max(starts.columns(), 1));
        Operands.requireInts("counts", counts, starts.columns() - 1);
        Operands.requireShape("sums", sums, counts.columns() * x.columns(), x.columns());
        Operands.requireF32("sums", sums);
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix y, Matrix sums) {
        check(x, sums);
        Operands.requireType("y", y, Set.of(DType.BF16));
        Operands.requireShape("y", y, x.rows(), x.columns());
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void checkSquares(Matrix x, Matrix sums) {
        Operands.requireF32("x", x);
        Operands.requireIntColumns("x", x);
        Operands.requireF32("sums", sums);
        Operands.requireShape("sums", sums, 1, x.columns());
    }

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix sums) {
        checkTokens(x);
        Operands.requireShape("sums", sums, x.columns(), x.columns());
        check(sums);
    }

    private static void checkTokens(Matrix x) {
        Operands.requireType("x", x, Set.of(DType.BF16));
        Operands.requireIntColumns("x", x);
        if (x.rows() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("x has " + x.rows() + " rows, more than an int holds");
        }
    }

    /**
     * @return how many matrices lie below each other
     * @throws IllegalArgumentException if the operation does not take these operands
     */
    static int check(Matrix sums) {
        Operands.requireIntColumns("sums", sums);
        return Operands.requireSquares("sums", sums, sums.columns(), 0);
    }
}
