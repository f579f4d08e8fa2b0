package io.octavo.engine.quantize;

import io.octavo.engine.calibrate.ActivationRanges.Range;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Scales of whole tensors: computed from ranges, rounded to what is stored, and spelled as bytes. */
final class StoredScales {

    /** The largest number of E4M3 times that of E2M1: where a tensor's largest magnitude is to lie (NVFP4). */
    private static final float NVFP4_LARGEST = 448f * 6f;

    private StoredScales() {}

    /**
     * {@code absmax / divisor} of a number type, rounded to {@code dtype}; its epsilon in place of zero.
     *
     * @param what for the message of a failure
     */
    static float symmetric(String what, float absmax, NumberType type, DType dtype) {
        return stored(what, absmax / type.divisor(), dtype);
    }

    /** The scale of integers with a zero point. */
    static float asymmetric(String what, Range range, NumberType type, DType dtype) {
        return stored(what, (range.max() - range.min()) / (2 * type.divisor()), dtype);
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

    /** The stored numbers of a Linear's inputs. */
    static float input(String module, Quantization inputs, Range range, DType dtype) {
        String what = "the inputs of " + module;
        return inputs.symmetric()
                ? symmetric(what, range.absmax(), inputs.type(), dtype)
                : asymmetric(what, range, inputs.type(), dtype);
    }

    private static float stored(String what, float scale, DType dtype) {
        float rounded = rounded(scale, dtype);
        if (!Float.isFinite(rounded)) {
            throw new QuantizationException(
                    ErrorCode.SCHEME_UNSUITABLE, "the scale of " + what + " is " + scale + ", too large for " + dtype);
        }
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
}
