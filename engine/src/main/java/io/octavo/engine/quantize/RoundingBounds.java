package io.octavo.engine.quantize;

import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizationError;
import java.util.Arrays;

/**
 * What rounding to the nearest code can have done, derived from the formats alone: which numbers a code stands for, and which
 * scale the numbers that share it lead to. Independent of the operations that quantize.
 *
 * <p>A number lies at most half the distance to the next code away. Past the outermost codes it may lie as far as the scale
 * allows, which is rounded to its type: so the scale must be the nearest of its type to the exact one, and that bounds what is
 * cut off.
 *
 * @param weights how they are stored
 * @param scaleType of the stored scales
 * @param dtype to which scales of whole tensors are rounded
 */
record RoundingBounds(Quantization weights, DType scaleType, DType dtype) implements WeightBounds {

    /** Where a quotient is computed in f32, by a factor that is rounded too: some roundings of 2^-24 each. */
    private static final double QUOTIENT = 0x1p-22;

    /** The smallest power of two that E8M0 stores, and the largest. */
    private static final float SMALLEST_POWER = 0x1p-127f;

    private static final float LARGEST_POWER = 0x1p127f;

    /** From this mantissa on the exponent of an absmax is rounded up (OCP MX as compressed-tensors computes it). */
    private static final double CARRIED = 1.75;

    /** What NVFP4 stores in place of a scale that would be zero. */
    private static final float SMALLEST_RELATIVE = 0x1p-3f;

    /** Larger numbers lead to scales that every type but F16 holds. */
    private static final float SURELY_HELD = 0x1p-100f;

    private static final float LARGEST_F16 = 65504;

    /** Rounding makes a number larger by less: E2M1 most, 5 of whose numbers becomes 6. BF16 reaches as far as F32. */
    private static final float GROWTH = 1.25f;

    /** A number times this is lost in an f32 sum beside it. */
    private static final float NOTHING_BESIDE = 0x1p-24f;

    @Override
    public float[] codebook() {
        int codes = QuantizationError.CODES;
        float[] book = new float[QuantizationError.CODEBOOK_ROWS * codes];
        for (int code = 0; code < codes; code++) {
            book[code] = weights.type().number((byte) code);
        }
        float[] ordered = new float[codes];
        int count = 0;
        for (int code = 0; code < codes; code++) {
            if (!Float.isNaN(book[code])) {
                ordered[count++] = book[code] + 0.0f; // no minus zero
            }
        }
        Arrays.sort(ordered, 0, count);
        for (int code = 0; code < codes; code++) {
            float number = book[code];
            book[QuantizationError.BELOW * codes + code] = toNext(number, ordered, count, -1);
            book[QuantizationError.ABOVE * codes + code] = toNext(number, ordered, count, 1);
        }
        return book;
    }

    /** Half the distance to the next number in a direction; none bounds the outermost here, but the scale does. */
    private float toNext(float number, float[] ordered, int count, int direction) {
        for (int i = direction > 0 ? 0 : count - 1; i >= 0 && i < count; i += direction) {
            if (direction * (ordered[i] - number) > 0) {
                double half = Math.abs((double) ordered[i] - number) / 2;
                double largest = Math.abs(ordered[i])
                        + (weights.symmetric() ? 0 : 1 << weights.type().bits());
                return (float) (half + largest * QUOTIENT);
            }
        }
        return Float.isNaN(number) ? Float.NaN : Float.POSITIVE_INFINITY;
    }

    @Override
    public boolean scaleFits(float scale, float wholeScale, float below, float above, float rowAbsmax) {
        double exact = exactScale(wholeScale, below, above);
        return weights.scaleType() == ScaleType.E8M0
                ? (scale == SMALLEST_POWER || exact >= CARRIED / 2 * scale)
                        && (scale == LARGEST_POWER || exact < CARRIED * scale)
                : isNearest(scale, exact, scaleType);
    }

    @Override
    public double lostScale(float below, float above, float rowAbsmax) {
        float absmax = Math.max(below, above);
        if (absmax > (scaleType == DType.F16 ? LARGEST_F16 : Float.MAX_VALUE) / GROWTH) {
            return exactScale(1, below, above);
        }
        if ((scaleType != DType.F16 && absmax > SURELY_HELD) || absmax <= rowAbsmax * NOTHING_BESIDE) {
            return 0;
        }
        double exact = exactScale(1, below, above);
        boolean held = switch (weights.scaleType()) {
            case FLOAT -> StoredScales.holds(scaleType, exact);
            case E8M0 -> exact >= CARRIED / 2 * SMALLEST_POWER;
            // A share of the tensor's own scale: too small for it is what is small beside others.
            case E4M3 -> true;
        };
        return held ? 0 : exact;
    }

    /** Whether some scale of a row can be lost, told from its largest magnitude. */
    boolean mayLose(float rowAbsmax) {
        return scaleType == DType.F16 || rowAbsmax <= SURELY_HELD / NOTHING_BESIDE;
    }

    /** What numbers lead to that share a scale, before it is rounded to its type. */
    double exactScale(float wholeScale, float below, float above) {
        double absmax = Math.max(below, above);
        float divisor = weights.type().divisor();
        return switch (weights.scaleType()) {
            case FLOAT -> weights.symmetric() ? absmax / divisor : ((double) below + above) / (2 * divisor);
            case E4M3 -> absmax / divisor / wholeScale;
            case E8M0 -> Math.scalb(absmax, -Math.getExponent(divisor));
        };
    }

    /** Whether a scale is what is stored where none is needed. */
    boolean isZero(float scale) {
        return scale == (weights.scaleType() == ScaleType.E8M0 ? SMALLEST_POWER : zero(scaleType));
    }

    /** A zero point is where zero lies, as near as an integer can be. */
    @Override
    public boolean zeroPointFits(int zeroPoint, float scale, float below) {
        int half = 1 << (weights.type().bits() - 1);
        double exact = Math.clamp(-half + (double) below / scale, -half, half - 1);
        return Math.abs(zeroPoint - exact) <= 0.5 + 2 * half * QUOTIENT;
    }

    @Override
    public boolean wholeFits(float wholeScale, float absmax) {
        if (weights.scaleType() == ScaleType.FLOAT) {
            return isNearest(wholeScale, exactWhole(absmax), dtype);
        }
        // The reciprocal of a reciprocal may be the next number.
        return wholeScale == 1 / StoredScales.globalDivisor(absmax, dtype);
    }

    /** What a largest magnitude leads to as the scale of whole tensors. */
    double exactWhole(float absmax) {
        return weights.scaleType() == ScaleType.FLOAT
                ? absmax / weights.type().divisor()
                : 1.0 / StoredScales.globalDivisor(absmax, DType.F32);
    }

    /** Each of its numbers was held against its own bound. */
    @Override
    public boolean rowFits(double error, double norm, double scales) {
        return true;
    }

    /** Whether no number of a type lies nearer to an exact one; zero is stored as the type's epsilon. */
    private static boolean isNearest(float stored, double exact, DType type) {
        double slack = exact * QUOTIENT;
        double smallest = smallest(type);
        if (exact <= smallest / 2 + slack && stored == zero(type)) {
            return true;
        }
        // A float's own distance to the next one, times what its type has fewer bits.
        double ulp = Math.scalb((double) Math.ulp(stored), 23 - mantissaBits(type));
        boolean narrowBelow = exact < stored && Math.scalb(1.0f, Math.getExponent(stored)) == stored;
        double half = Math.max(narrowBelow ? ulp / 4 : ulp / 2, smallest / 2);
        return Math.abs(stored - exact) <= half + slack;
    }

    private static float zero(DType type) {
        return type == DType.F8_E4M3 ? SMALLEST_RELATIVE : StoredScales.epsilon(type);
    }

    private static int mantissaBits(DType type) {
        return switch (type) {
            case BF16 -> 7;
            case F16 -> 10;
            case F8_E4M3 -> 3;
            default -> 23;
        };
    }

    private static double smallest(DType type) {
        return switch (type) {
            case BF16 -> 0x1p-133;
            case F16 -> 0x1p-24;
            case F8_E4M3 -> 0x1p-9;
            default -> Float.MIN_VALUE;
        };
    }
}
