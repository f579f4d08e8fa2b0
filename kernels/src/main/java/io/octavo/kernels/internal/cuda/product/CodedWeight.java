package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * A weight of codes that become BF16 in registers.
 *
 * @param type as kernels have it in their names
 * @param codes {@code [n, bytes of a row]}
 * @param codeBits of one code: 8 or 4
 * @param scales {@code [n, groups]}, {@code [1, 1]} or null
 */
record CodedWeight(
        String type, Matrix codes, int codeBits, @Nullable Matrix scales) {

    int groups() {
        return scales == null ? 1 : Math.toIntExact(scales.columns());
    }
}
