package io.octavo.kernels.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;

/**
 * {@code out[m, n] = sum over k of a(m, k) * w(n, k)} for weights of 4 bits as checkpoints pack them, which a GPU leaves so
 * in its memory: with few rows of activations, a product takes as long as reading the weight.
 */
public interface PackedMatMul {

    /**
     * @param a activations {@code [M, K]}, F32 or BF16; {@code K} a multiple of 32
     * @param codes weight {@code [N, K / 2]} U8, as {@link CodeFormat#INT4_OFFSET}
     * @param scales {@code [N, groups]}, F32, BF16 or F16; {@code K / groups} a multiple of 16. Where {@code a} is BF16, a
     *     backend may round weights, scale included, to BF16.
     * @param out receives {@code [M, N]}, F32
     */
    void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream);
}
