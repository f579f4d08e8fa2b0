package io.octavo.engine.layout.weight;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Stores f32 numbers in narrower types without changing any of them. */
public final class ExactNumbers {

    private static final int E8M0_BIAS = 127;

    private ExactNumbers() {}

    /** Whether the number is one of the type's. */
    static boolean fits(float value, DType dtype) {
        return switch (dtype) {
            case F32 -> true;
            case F16 -> Float.float16ToFloat(Float.floatToFloat16(value)) == value;
            case BF16 -> BFloat16.toFloat(BFloat16.fromFloat(value)) == value;
            case F8_E4M3 -> Float8.fromE4m3(Float8.toE4m3(value)) == value;
            case U8 -> value == Math.scalb(1f, Math.getExponent(value));
            default -> false;
        };
    }

    /**
     * @param tensor named where a number does not fit
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE}
     */
    public static ByteBuffer encode(float[] values, int count, DType dtype, String tensor) {
        ByteBuffer bytes = buffer(Math.multiplyExact(count, dtype.bytes()));
        for (int i = 0; i < count; i++) {
            if (!fits(values[i], dtype)) {
                throw unsuitable("tensor " + tensor + ": scale " + values[i] + " cannot be stored as " + dtype
                        + " without changing it");
            }
            put(bytes, values[i], dtype);
        }
        return bytes.flip();
    }

    public static ByteBuffer encode(float value, DType dtype, String tensor) {
        return encode(new float[] {value}, 1, dtype, tensor);
    }

    /** @param divides whether the number is stored as its reciprocal */
    public static void write(float value, boolean divides, TensorSpec tensor, TensorSink sink) {
        float stored = divides ? divisor(value, tensor.name()) : value;
        sink.write(tensor.name(), 0, encode(stored, tensor.dtype(), tensor.name()));
    }

    /**
     * The divisor whose reciprocal is exactly the multiplier; of several, the roundest, which is what quantizers compute
     * from 16-bit maxima.
     *
     * @throws QuantizationException {@code LAYOUT_UNSUITABLE} where f32 has none
     */
    static float divisor(float multiplier, String tensor) {
        float nearest = 1 / multiplier;
        float best = Float.NaN;
        for (float candidate : new float[] {Math.nextDown(nearest), nearest, Math.nextUp(nearest)}) {
            boolean exact = 1 / candidate == multiplier && candidate < Float.POSITIVE_INFINITY;
            if (exact && (Float.isNaN(best) || roundness(candidate) > roundness(best))) {
                best = candidate;
            }
        }
        if (Float.isNaN(best)) {
            throw unsuitable("tensor " + tensor + ": no F32 divisor has the reciprocal " + multiplier
                    + ", so the global scale cannot be stored without changing it");
        }
        return best;
    }

    private static int roundness(float value) {
        return Integer.numberOfTrailingZeros(Float.floatToRawIntBits(value));
    }

    private static void put(ByteBuffer bytes, float value, DType dtype) {
        switch (dtype) {
            case F32 -> bytes.putFloat(value);
            case F16 -> bytes.putShort(Float.floatToFloat16(value));
            case BF16 -> bytes.putShort(BFloat16.fromFloat(value));
            case F8_E4M3 -> bytes.put(Float8.toE4m3(value));
            // E8M0: the exponent of a power of two.
            case U8 -> bytes.put((byte) (Math.getExponent(value) + E8M0_BIAS));
            default -> throw new IllegalArgumentException("no scales in " + dtype);
        }
    }

    public static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    public static QuantizationException unsuitable(String message) {
        return new QuantizationException(ErrorCode.LAYOUT_UNSUITABLE, message);
    }
}
