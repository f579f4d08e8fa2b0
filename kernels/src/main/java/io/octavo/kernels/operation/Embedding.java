package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Row gather: {@code out[t, :] = table[ids[t], :] * multiplier}. */
public interface Embedding {

    /**
     * @param table {@code [vocabulary, columns]} F32, BF16 or F16
     * @param ids {@code [1, tokens]} I32, each in {@code [0, vocabulary)}; others give a row of NaN
     * @param multiplier 1 for most models, {@code sqrt(hidden)} for Gemma
     * @param out receives {@code [tokens, columns]} F32
     */
    void gather(Matrix table, Matrix ids, float multiplier, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix table, Matrix ids, Matrix out) {
        Operands.requireType("table", table, Operands.FLOATS);
        Operands.requireF32("out", out);
        Operands.requireShape("out", out, out.rows(), table.columns());
        Operands.requireInts("ids", ids, out.rows());
        Operands.requireIntColumns("table", table);
    }
}
