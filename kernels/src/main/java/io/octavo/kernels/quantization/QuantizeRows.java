package io.octavo.kernels.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import java.util.Set;

/**
 * Symmetric quantization with one scale a row: per channel of a weight, per token of an activation.
 *
 * <pre>
 *   scale[r]    = stored(absmax(x[r, :]) / divisor)      stored = rounded to the dtype of scales
 *   codes[r, c] = convert(clamp(x[r, c] / scale[r], -limit, limit))
 * </pre>
 *
 * <p>The quotient is computed in f32 by true division from the scale after it was rounded to its stored dtype;
 * conversion rounds to nearest, ties to even. E4M3: divisor and limit 448. INT8: divisor 127.5 (the compressed-tensors
 * convention) or 127, clamped to -128..127. A scale that would be zero becomes the machine epsilon of its dtype
 * (BF16 2^-7, F16 2^-10, F32 2^-23), so that a row of zeros gets codes of zero; -0.0 keeps its sign in E4M3.
 */
public interface QuantizeRows {

    /** Far above what 8 bits need; keeps quotients where kernels can round them by adding a constant. */
    float MOST_DIVISOR = 1 << 16;

    /**
     * @param x {@code [rows, columns]}, F32, BF16 or F16
     * @param codes receives {@code [rows, columns]}, F8_E4M3 or I8
     * @param scales receives {@code [rows, 1]}, F32, BF16 or F16
     * @param divisor what the largest magnitude is divided by, such as 448
     * @param nonFinite {@code [1, 1]} I32, zeroed by the caller; becomes 1 if {@code x} holds NaN or infinity, or if a
     *     scale overflows its dtype (codes and scales of that row are then undefined)
     */
    void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite) {
        Operands.requireType("x", x, Operands.FLOATS);
        Operands.requireType("codes", codes, Operands.CODES);
        Operands.requireType("scales", scales, Operands.FLOATS);
        Operands.requireShape("codes", codes, x.rows(), x.columns());
        Operands.requireShape("scales", scales, x.rows(), 1);
        Operands.requireType("nonFinite", nonFinite, Set.of(DType.I32));
        Operands.requireShape("nonFinite", nonFinite, 1, 1);
        Operands.requireIntColumns("x", x);
        requireDivisor(divisor);
    }

    /** @throws IllegalArgumentException if kernels cannot divide by it */
    static void requireDivisor(float divisor) {
        if (!(divisor > 0 && divisor <= MOST_DIVISOR)) {
            throw new IllegalArgumentException("divisor must be positive and at most " + MOST_DIVISOR + ": " + divisor);
        }
    }
}
