package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/** Joins what the experts made of each token: {@code out[t, :] = sum over j of weights[t, j] * x[rows[t, j], :]}. */
public interface ExpertCombine {

    /**
     * @param x {@code [ordered rows, columns]} F32
     * @param rows {@code [tokens, perToken]} I32, each in {@code [0, x.rows())}; others give a row of NaN
     * @param weights {@code [tokens, perToken]} F32
     * @param out receives {@code [tokens, columns]} F32; the sum runs over {@code j} in ascending order
     */
    void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix rows, Matrix weights, Matrix out) {
        Operands.requireF32("x", x);
        Operands.requireF32("out", out);
        Operands.requireF32("weights", weights);
        Operands.requireType("rows", rows, Set.of(DType.I32));
        Operands.requireShape("rows", rows, out.rows(), rows.columns());
        Operands.requireShape("weights", weights, out.rows(), rows.columns());
        Operands.requireShape("out", out, out.rows(), x.columns());
        Operands.requireIntColumns("x", x);
        Operands.requireIntColumns("rows", rows);
    }
}
