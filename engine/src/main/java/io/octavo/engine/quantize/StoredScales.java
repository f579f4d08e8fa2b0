package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.checkpoint.FiniteNumbers;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;

/** Scales of whole tensors: computed from ranges, rounded to what is stored, and spelled as bytes. */
final class StoredScales {

    /** The largest number of E4M3 times that of E2M1: where a tensor's largest magnitude is to lie (NVFP4). */
    private static final float NVFP4_LARGEST = 448f * 6f;

    /** How far rounding moves a scale in BF16, twice: a type that moves one farther does not hold it. */
    private static final double MOST_ERROR = 0x1p-8;

    /** The reciprocal of NVFP4's divisor for smaller magnitudes is no normal number of f32. */
    private static final float LEAST_DIVIDED = NVFP4_LARGEST * Float.MIN_NORMAL;

    private StoredScales() {}

    /**
     * {@code absmax / divisor} of a number type, rounded to {@code dtype}; its epsilon in place of zero.
     *
     * @param what for the message of a failure
     */
    static float symmetric(String what, float absmax, NumberType type, DType dtype) {
        return stored(what, (double) absmax / type.divisor(), dtype);
    }

    /** The scale of integers with a zero point. */
    static float asymmetric(String what, Range range, NumberType type, DType dtype) {
        float width = range.max() - range.min();
        return stored(what, (double) width / (2 * type.divisor()), dtype);
    }

    /** The zero point that belongs to {@link #asymmetric}. */
    static byte zeroPoint(Range range, float scale, NumberType type) {
        int lowest = -(1 << (type.bits() - 1));
        int highest = -lowest - 1;
        return (byte) Math.rint(Math.clamp(lowest - range.min() / scale, lowest, highest));
    }

    /** What NVFP4 divides by: rounded to {@code dtype}, as the reference library computes it; 1 for a tensor of zeros. */
    static float globalDivisor(float absmax, DType dtype) {
        float divisor = rounded(NVFP4_LARGEST / absmax, dtype);
        return Float.isFinite(divisor) && divisor > 0 ? divisor : 1;
    }

    /** Whether a scale is not too small for a type: it keeps as many bits of it as BF16 does of any, or all that it has. */
    static boolean holds(DType dtype, double scale) {
        float stored = rounded((float) scale, dtype);
        return Float.isInfinite(stored) || !(Math.abs(stored - scale) > scale * MOST_ERROR);
    }

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} if NVFP4 cannot divide by what a largest magnitude leads to */
    static void requireDivided(String what, float absmax) {
        if (absmax > 0 && absmax < LEAST_DIVIDED) {
            throw tooSmall(what, "largest magnitude is " + absmax + ", too small for NVFP4's scale of whole tensors");
        }
    }

    /** @throws QuantizationException {@code SCHEME_UNSUITABLE} if the one scale of a weight's largest magnitude is too small */
    static void requireWhole(Quantize action, float absmax) {
        if (action.layout().hasGlobalScale()) {
            requireDivided("the weight of " + action.module(), absmax);
        } else {
            double scale = (double) absmax / action.scheme().weights().type().divisor();
            requireHeld("the weight of " + action.module(), scale, action.floats());
        }
    }

    private static void requireHeld(String what, double scale, DType dtype) {
        if (!holds(dtype, scale)) {
            throw tooSmall(what, "scale is " + (float) scale + ", too small for " + dtype + " to keep its precision");
        }
    }

    private static QuantizationException tooSmall(String what, String why) {
        return new QuantizationException(ErrorCode.SCHEME_UNSUITABLE, what + ": its " + why + "; ignore the module");
    }

    /** What the scales of a module's tiles are stored in, for people. */
    static String type(Quantize action) {
        DType stored = action.layout().scaleType();
        return stored == DType.U8 ? "E8M0" : stored.name();
    }

    /**
     * That the scale of numbers in a row of a weight is lost in its type.
     *
     * @param scale the exact one
     * @param type that it would be stored in
     */
    static QuantizationException lost(String module, long row, double scale, String type) {
        return new QuantizationException(
                ErrorCode.SCHEME_UNSUITABLE,
                "module " + module + ", row " + row + ": numbers so " + (scale < 1 ? "small" : "large")
                        + " lead to a scale of " + (float) scale
                        + (scale < 1
                                ? ", too small for " + type + ", in which it would be stored, to keep its precision"
                                : ", which " + type + " does not hold, in which it would be stored, or of which some"
                                        + " code makes infinity")
                        + "; ignore the module"
                        + (type.equals(DType.F16.name())
                                ? ", or choose a scheme whose scales are F32, such as W8A8 or FP8_DYNAMIC"
                                : ""));
    }

    /** The stored numbers of a Linear's inputs. */
    static float input(String module, Quantization inputs, Range range, DType dtype) {
        String what = "the inputs of " + module;
        return inputs.symmetric()
                ? symmetric(what, range.absmax(), inputs.type(), dtype)
                : asymmetric(what, range, inputs.type(), dtype);
    }

    private static float stored(String what, double scale, DType dtype) {
        float rounded = rounded((float) scale, dtype);
        if (!Float.isFinite(rounded)) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE,
                    "the scale of " + what + " is " + (float) scale + ", too large for " + dtype);
        }
        requireHeld(what, scale, dtype);
        return rounded == 0 ? epsilon(dtype) : rounded;
    }

    static float rounded(float value, DType dtype) {
        return switch (dtype) {
            case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(value));
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value));
            default -> value;
        };
    }

    static float epsilon(DType dtype) {
        return switch (dtype) {
            case BF16 -> 0x1p-7f;
            case F16 -> 0x1p-10f;
            default -> 0x1p-23f;
        };
    }

    /** Numbers of a floating type, little-endian. */
    static ByteBuffer bytes(DType dtype, float... values) {
        ByteBuffer bytes = ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            switch (dtype) {
                case BF16 -> bytes.putShort(BFloat16.fromFloat(value));
                case F16 -> bytes.putShort(Float.floatToFloat16(value));
                case F32 -> bytes.putFloat(value);
                default -> throw new IllegalArgumentException("no scales in " + dtype);
            }
        }
        return bytes.flip();
    }

    /**
     * What is wrong with rows of a weight: a number that is none, or one so large that its scale is none.
     *
     * @param from the first row
     * @param to the last one, exclusive
     */
    static QuantizationException wrong(Quantize action, long from, long to) {
        TensorInfo weight = action.source().info();
        float[] numbers = new float[Math.toIntExact(action.inFeatures())];
        long rowBytes = action.inFeatures() * weight.dtype().bytes();
        double largest = 0;
        long at = from;
        for (long row = from; row < to; row++) {
            OptionalLong element = first(action.source(), row * rowBytes, rowBytes);
            if (element.isPresent()) {
                return new QuantizationException(
                        ErrorCode.TENSOR_NOT_FINITE,
                        "tensor " + weight.name() + " holds NaN or infinity at element " + element.getAsLong());
            }
            action.source().floats(row * rowBytes, numbers, 0, numbers.length);
            double reach = reach(numbers, action.scheme().weights().symmetric());
            if (reach > largest) {
                largest = reach;
                at = row;
            }
        }
        double scale = largest / action.scheme().weights().type().divisor();
        return lost(action.module(), at, scale, type(action));
    }

    private static OptionalLong first(Numbers numbers, long from, long bytes) {
        try (Arena arena = Arena.ofConfined()) {
            return FiniteNumbers.first(numbers.info(), from, numbers.view(from, from + bytes, arena));
        }
    }

    /** What divides into a scale: the largest magnitude, or half of what lies between the ends. */
    private static double reach(float[] numbers, boolean symmetric) {
        double least = 0;
        double most = 0;
        for (float number : numbers) {
            least = Math.min(least, number);
            most = Math.max(most, number);
        }
        return symmetric ? Math.max(-least, most) : (most - least) / 2;
    }
}
