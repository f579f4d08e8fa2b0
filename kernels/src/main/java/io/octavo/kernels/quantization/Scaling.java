package io.octavo.kernels.quantization;

import io.octavo.kernels.number.CodeFormat;

/**
 * How the scale of numbers that share one follows from them. What divides is always the scale as it is stored.
 *
 * <p>A floating scale that would be zero becomes the machine epsilon of its type (BF16 2^-7, F16 2^-10, F32 2^-23,
 * E4M3 2^-3), so that zeros get codes of zero.
 */
public sealed interface Scaling {

    /** {@code scale = absmax / divisor}. */
    record Absmax(float divisor) implements Scaling {
        public Absmax {
            requirePositive("divisor", divisor);
        }
    }

    /**
     * With a zero point: {@code scale = (max - min) / (highest - lowest)} of the code format, zero included in the range,
     * and {@code zeroPoint = rint(clamp(lowest - min / scale))}; codes are {@code rint(clamp(x / scale + zeroPoint))}.
     */
    record Range() implements Scaling {}

    /**
     * Scales relative to one of the whole tensor (NVFP4): {@code stored = E4M3(factor * (absmax / divisor))}, and
     * {@code scale = stored / factor}.
     */
    record Relative(float divisor, float factor) implements Scaling {
        public Relative {
            requirePositive("divisor", divisor);
            requirePositive("factor", factor);
        }
    }

    /**
     * A power of two whose exponent is stored (MX formats): that of absmax, one higher from a mantissa of 1.75 on, less
     * {@code offset}.
     *
     * @param offset exponent of the code format's largest number: 2 for E2M1, 8 for E4M3
     */
    record PowerOfTwo(int offset) implements Scaling {}

    /** The scales are there already. */
    record Given() implements Scaling {}

    private static void requirePositive(String name, float value) {
        if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(name + " must be positive and finite: " + value);
        }
    }

    /** @throws IllegalArgumentException if codes of the format cannot be scaled so */
    default void requireFits(CodeFormat format) {
        if (this instanceof Range && !format.isInteger()) {
            throw new IllegalArgumentException(format + " has no zero points");
        }
    }
}
