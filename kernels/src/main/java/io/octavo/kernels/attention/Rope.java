package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/**
 * Rotary position embedding (arXiv:2104.09864) in the half-split ("neox") form: channel {@code i} of a head is rotated
 * together with channel {@code i + headDim / 2}.
 */
public interface Rope {

    /**
     * Rotates in place.
     *
     * @param x {@code [tokens, heads * headDim]} F32
     * @param positions {@code [1, tokens]} I32, each in {@code [0, cos.rows())}; the CPU backend throws on others
     * @param cos {@code [positions, headDim / 2]} F32, any attention scaling already multiplied in
     * @param sin like {@code cos}
     */
    void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream);
}
