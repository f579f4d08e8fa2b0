package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static io.octavo.kernels.internal.vector.base.Native.MEMORY;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2B;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;

import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Divides by a scale and rounds to 8 bits, with the results of {@link Float8} and {@link Math#rint}. */
final class RowEncoder {

    private static final int MAGNITUDE = 0x7FFFFFFF;

    /** With vectors of 128 bits, four bytes are less than the smallest byte vector. */
    private static final boolean BYTES_FIT = FLOATS.vectorBitSize() >= 256;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));

    /** Adding this to a number below 2^22 rounds it to an integer, ties to even, in the low mantissa bits. */
    private static final float INTEGER_ROUNDER = 0x1.8p23f;

    /** The same in units of 2^-9, the step of E4M3's subnormals. */
    private static final float SUBNORMAL_ROUNDER = 0x1.8p14f;

    private static final float SMALLEST_NORMAL = 0x1p-6f;

    /** A scale between these keeps every product of {@link #divideHalves} whose code is not zero a normal number. */
    private static final float MIN_RECIPROCAL = 0x1p-100f;

    private static final float MAX_RECIPROCAL = 0x1p100f;

    private RowEncoder() {}

    /**
     * Largest magnitude; infinite or NaN if any value is. Bit patterns of magnitudes are ordered like the numbers, with
     * NaN last, which plain float maxima would not promise.
     */
    static float absmax(float[] values, int count) {
        IntVector max0 = IntVector.zero(INTS);
        IntVector max1 = IntVector.zero(INTS);
        int i = 0;
        for (; i + 2 * LANES <= count; i += 2 * LANES) {
            IntVector bits0 = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
            IntVector bits1 = FloatVector.fromArray(FLOATS, values, i + LANES).reinterpretAsInts();
            max0 = max0.max(bits0.and(MAGNITUDE));
            max1 = max1.max(bits1.and(MAGNITUDE));
        }
        int max = max0.max(max1).reduceLanes(MAX);
        for (; i < count; i++) {
            max = Math.max(max, Float.floatToRawIntBits(values[i]) & MAGNITUDE);
        }
        return Float.intBitsToFloat(max);
    }

    /**
     * Writes {@code count} codes of {@code values / scale}; any codes if the scale is not finite.
     *
     * @param values become the quotients
     * @param halves whether values and scale have no more significant bits than a 16-bit type
     */
    static void encode(DType dtype, float[] values, int count, float scale, boolean halves, long target) {
        boolean corrected = halves && scale > MIN_RECIPROCAL && scale < MAX_RECIPROCAL;
        boolean e4m3 = dtype == DType.F8_E4M3;
        for (int from = 0; from < count; from += Grain.PIECE) {
            int to = Math.min(from + Grain.PIECE, count);
            if (corrected) {
                divideHalves(values, from, to, scale);
            } else {
                divide(values, from, to, scale);
            }
            int i = from;
            if (BYTES_FIT) {
                i = e4m3 ? encodeE4m3(values, from, to, target) : encodeI8(values, from, to, target);
            }
            for (; i < to; i++) {
                Native.setByte(target + i, e4m3 ? Float8.toE4m3(values[i]) : toI8(values[i]));
            }
        }
    }

    private static void divide(float[] values, int from, int to, float scale) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector.fromArray(FLOATS, values, i).div(scale).intoArray(values, i);
        }
        for (; i < to; i++) {
            values[i] /= scale;
        }
    }

    /**
     * The quotients of true division without its cost, for values and scales of at most 11 significant bits: the product
     * with the reciprocal, corrected once by its exact remainder (Markstein, 1990). RowEncoderTest divides all pairs of
     * such significands; between the two bounds of the scale an exponent changes no rounding that a code could show.
     */
    static void divideHalves(float[] values, int from, int to, float scale) {
        float reciprocal = 1 / scale;
        FloatVector reciprocals = FloatVector.broadcast(FLOATS, reciprocal);
        FloatVector scales = FloatVector.broadcast(FLOATS, scale);
        FloatVector negatedReciprocals = FloatVector.broadcast(FLOATS, -reciprocal);
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector value = FloatVector.fromArray(FLOATS, values, i);
            FloatVector quotient = value.mul(reciprocals);
            // The remainder with its sign turned, so that -0.0 survives both additions.
            FloatVector excess = quotient.fma(scales, value.neg());
            excess.fma(negatedReciprocals, quotient).intoArray(values, i);
        }
        for (; i < to; i++) {
            values[i] /= scale;
        }
    }

    private static byte toI8(float quotient) {
        return (byte) Math.clamp(Math.rint(quotient), -128, 127);
    }

    private static int encodeI8(float[] quotients, int from, int to, long target) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector quotient = FloatVector.fromArray(FLOATS, quotients, i);
            IntVector rounded =
                    quotient.add(INTEGER_ROUNDER).reinterpretAsInts().sub(Float.floatToRawIntBits(INTEGER_ROUNDER));
            ByteVector bytes = (ByteVector) rounded.max(-128).min(127).convertShape(I2B, BYTES, 0);
            bytes.intoMemorySegment(MEMORY, target + i, ByteOrder.LITTLE_ENDIAN);
        }
        return i;
    }

    /** Normal numbers: round the mantissa to 3 bits in integer arithmetic, then shift the exponent's bias by 120. */
    private static int encodeE4m3(float[] quotients, int from, int to, long target) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            IntVector bits = FloatVector.fromArray(FLOATS, quotients, i).reinterpretAsInts();
            // Saturating as integers is right too: bit patterns of magnitudes are ordered.
            IntVector magnitude = bits.and(MAGNITUDE).min(Float.floatToRawIntBits(Float8.E4M3_MAX));
            IntVector tieToEven = magnitude.lanewise(LSHR, 20).and(1);
            IntVector normal =
                    magnitude.add(0x7FFFF - (120 << 23)).add(tieToEven).lanewise(ASHR, 20);
            IntVector subnormal = magnitude
                    .reinterpretAsFloats()
                    .add(SUBNORMAL_ROUNDER)
                    .reinterpretAsInts()
                    .sub(Float.floatToRawIntBits(SUBNORMAL_ROUNDER));
            VectorMask<Integer> small = magnitude.compare(LT, Float.floatToRawIntBits(SMALLEST_NORMAL));
            IntVector sign = bits.lanewise(LSHR, 24).and(0x80);
            ByteVector codes =
                    (ByteVector) normal.blend(subnormal, small).or(sign).convertShape(I2B, BYTES, 0);
            codes.intoMemorySegment(MEMORY, target + i, ByteOrder.LITTLE_ENDIAN);
        }
        return i;
    }
}
