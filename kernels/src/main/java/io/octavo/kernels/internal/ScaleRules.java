package io.octavo.kernels.internal;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.Scaling;

/** The arithmetic of {@link Scaling}, for one tile: from what was seen of its numbers to the scale that divides them. */
public final class ScaleRules {

    private static final int LARGEST_EXPONENT = 254;

    /** What a biased exponent of 0 stands for: half of the smallest normal f32. */
    private static final float SMALLEST_POWER = 0x1p-127f;

    private static final int MANTISSA_BITS = 23;

    /** Carries mantissas of 1.75 and more into the exponent. */
    private static final int CARRY_FROM_1_75 = 1 << (MANTISSA_BITS - 2);

    private ScaleRules() {}

    /** {@code absmax / divisor} as a floating type stores it, epsilon in place of zero. */
    public static float floating(float quotient, DType dtype) {
        float stored = switch (dtype) {
            case F32 -> quotient;
            case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(quotient));
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(quotient));
            default -> throw new IllegalArgumentException("not a type of scales: " + dtype);
        };
        return stored == 0 ? epsilon(dtype) : stored;
    }

    private static float epsilon(DType dtype) {
        return switch (dtype) {
            case BF16 -> 0x1p-7f;
            case F16 -> 0x1p-10f;
            default -> 0x1p-23f;
        };
    }

    /** The E4M3 code of a relative scale; never zero. */
    public static byte relative(float absmax, Scaling.Relative scaling) {
        byte code = Float8.toE4m3(scaling.factor() * (absmax / scaling.divisor()));
        return code == 0 ? Float8.toE4m3(0x1p-3f) : code;
    }

    /** The biased exponent of a power of two. */
    public static int exponent(float absmax, Scaling.PowerOfTwo scaling) {
        int exponent = (Float.floatToRawIntBits(absmax) + CARRY_FROM_1_75) >>> MANTISSA_BITS;
        return Math.clamp(exponent - scaling.offset(), 0, LARGEST_EXPONENT);
    }

    /** What a biased exponent stands for. */
    public static float power(int exponent) {
        return exponent == 0 ? SMALLEST_POWER : Float.intBitsToFloat(exponent << MANTISSA_BITS);
    }

    /** The scale of an asymmetric tile before it is rounded to its type. */
    public static float range(float min, float max, CodeFormat format) {
        return (Math.max(max, 0) - Math.min(min, 0)) / (format.highest() - format.lowest());
    }

    public static int zeroPoint(float min, float scale, CodeFormat format) {
        float exact = format.lowest() - Math.min(min, 0) / scale;
        return (int) Math.rint(Math.clamp(exact, format.lowest(), format.highest()));
    }
}
