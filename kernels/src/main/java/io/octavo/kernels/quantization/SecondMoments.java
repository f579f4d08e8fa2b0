package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/** Sums of products of columns, of which GPTQ makes its Hessians. */
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
     * Makes what lies below the diagonal equal to what lies above it.
     *
     * @param sums {@code [columns, columns]} F32
     */
    void mirror(Matrix sums, Stream stream);
}
