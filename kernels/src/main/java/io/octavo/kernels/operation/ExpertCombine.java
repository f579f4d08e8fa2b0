package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/** Joins what the experts made of each token: {@code out[t, :] = sum over j of weights[t, j] * x[rows[t, j], :]}. */
public interface ExpertCombine {

    /**
     * @param x {@code [ordered rows, columns]} F32
     * @param rows {@code [tokens, perToken]} I32, each in {@code [0, x.rows())}; others give a row of NaN
     * @param weights {@code [tokens, perToken]} F32
     * @param out receives {@code [tokens, columns]} F32; the sum runs over {@code j} in ascending order
     */
    void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream);
}
