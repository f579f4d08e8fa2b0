package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;

/**
 * Rotary position embedding (arXiv:2104.09864) in the half-split ("neox") form: of the first {@code rotated} channels of a
 * head, channel {@code i} is rotated together with channel {@code i + rotated / 2}; the others stay.
 */
public interface Rope {

    /**
     * Rotates in place.
     *
     * @param x {@code [tokens, heads * headDim]} F32
     * @param positions {@code [1, tokens]} I32, each in {@code [0, cos.rows())}; the CPU backend throws on others
     * @param cos {@code [positions, rotated / 2]} F32, {@code rotated} at most {@code headDim}; any attention scaling already multiplied in
     * @param sin like {@code cos}
     */
    void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream);
}
