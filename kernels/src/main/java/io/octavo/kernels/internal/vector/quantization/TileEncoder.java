package io.octavo.kernels.internal.vector.quantization;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2B;
import static jdk.incubator.vector.VectorOperators.LSHR;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.MIN;
import static jdk.incubator.vector.VectorOperators.XOR;

import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Finds the range of numbers that share a scale, and encodes them, one code a byte.
 *
 * <p>Floats are rounded in integer arithmetic: half of what is cut off is added to the bit pattern, less one where the
 * rest is even. Below the smallest normal number a constant is added whose last bit is worth the format's step.
 */
final class TileEncoder {

    private static final int MAGNITUDE = 0x7FFFFFFF;
    private static final int SIGN = 0x80000000;

    /** With vectors of 128 bits, four bytes are less than the smallest byte vector. */
    private static final boolean BYTES_FIT = FLOATS.vectorBitSize() >= 256;

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));

    /** Adding this to a number below 2^22 rounds it to an integer, ties to even, in the low mantissa bits. */
    private static final float INTEGER_ROUNDER = 0x1.8p23f;

    /** Quotients past this are cut, so that {@link #INTEGER_ROUNDER} works; every format's range lies far inside. */
    private static final int CUT = Float.floatToRawIntBits(0x1p20f);

    private static final float E4M3_ROUNDER = 0x1.8p14f;
    private static final float E4M3_SMALLEST_NORMAL = 0x1p-6f;
    private static final float E2M1_ROUNDER = 0x1.8p22f;
    private static final float E2M1_SMALLEST_NORMAL = 1;

    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private TileEncoder() {}

    /** Largest magnitude; infinite or NaN if any value is: bit patterns of magnitudes are ordered, NaN last. */
    static float absmax(float[] values, int at, int count) {
        int end = at + count;
        int i = at;
        int max = 0;
        if (count >= LANES) {
            IntVector maxima = IntVector.zero(INTS);
            for (; i + LANES <= end; i += LANES) {
                IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
                maxima = maxima.max(bits.and(MAGNITUDE));
            }
            max = maxima.reduceLanes(MAX);
        }
        for (; i < end; i++) {
            max = Math.max(max, Float.floatToRawIntBits(values[i]) & MAGNITUDE);
        }
        return Float.intBitsToFloat(max);
    }

    /** Raises {@code highs[t]} to the largest magnitude of tile {@code t} of a row. */
    static void absmax(float[] values, int columns, int tileColumns, float[] highs) {
        for (int tile = 0, at = 0; at < columns; tile++, at += tileColumns) {
            int end = Math.min(at + tileColumns, columns);
            int i = at;
            int max = Float.floatToRawIntBits(highs[tile]);
            if (end - at >= LANES) {
                IntVector maxima = IntVector.zero(INTS);
                for (; i + LANES <= end; i += LANES) {
                    IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
                    maxima = maxima.max(bits.and(MAGNITUDE));
                }
                max = Math.max(max, maxima.reduceLanes(MAX));
            }
            for (; i < end; i++) {
                max = Math.max(max, Float.floatToRawIntBits(values[i]) & MAGNITUDE);
            }
            highs[tile] = Float.intBitsToFloat(max);
        }
    }

    /**
     * Widens {@code [lows[t], highs[t]]} to hold tile {@code t} of the columns {@code [from, to)}; one of them is NaN if
     * a value is. Bit patterns are compared as integers, those of negative numbers with all other bits turned over.
     */
    static void range(float[] values, int from, int to, int tileColumns, float[] lows, float[] highs) {
        for (int tile = 0, at = from; at < to; tile++, at += tileColumns) {
            int end = Math.min(at + tileColumns, to);
            int i = at;
            int min = ordered(Float.floatToRawIntBits(lows[tile]));
            int max = ordered(Float.floatToRawIntBits(highs[tile]));
            if (end - at >= LANES) {
                IntVector minima = IntVector.broadcast(INTS, min);
                IntVector maxima = IntVector.broadcast(INTS, max);
                for (; i + LANES <= end; i += LANES) {
                    IntVector bits = FloatVector.fromArray(FLOATS, values, i).reinterpretAsInts();
                    IntVector order = bits.lanewise(XOR, bits.lanewise(ASHR, 31).and(MAGNITUDE));
                    minima = minima.min(order);
                    maxima = maxima.max(order);
                }
                min = minima.reduceLanes(MIN);
                max = maxima.reduceLanes(MAX);
            }
            for (; i < end; i++) {
                int order = ordered(Float.floatToRawIntBits(values[i]));
                min = Math.min(min, order);
                max = Math.max(max, order);
            }
            lows[tile] = Float.intBitsToFloat(ordered(min));
            highs[tile] = Float.intBitsToFloat(ordered(max));
        }
    }

    /** Bits of a float in an order that integers have; its own inverse. */
    private static int ordered(int bits) {
        return bits ^ ((bits >> 31) & MAGNITUDE);
    }

    /**
     * Writes the codes of a row, {@code values / scales[t] + zeroPoints[t]} for tile {@code t}, with the format's offset;
     * codes of 4 bits lie in the low nibble.
     */
    static void encode(
            CodeFormat format,
            float[] values,
            int columns,
            int tileColumns,
            float[] scales,
            int[] zeroPoints,
            byte[] codes) {
        switch (format) {
            case E4M3 -> encodeE4m3(values, columns, tileColumns, scales, codes);
            case E2M1 -> encodeE2m1(values, columns, tileColumns, scales, codes);
            case INT8, INT8_OFFSET, INT4_OFFSET ->
                encodeIntegers(format, values, columns, tileColumns, scales, zeroPoints, codes);
        }
    }

    /** The first column of a tile that no whole vector holds, or that vectors of bytes cannot write. */
    private static int vectorEnd(int at, int end) {
        return BYTES_FIT ? end - (end - at) % LANES : at;
    }

    private static byte code(CodeFormat format, float quotient, int zeroPoint) {
        return (byte) (format.code(quotient, zeroPoint) + format.offset());
    }

    private static void encodeIntegers(
            CodeFormat format,
            float[] values,
            int columns,
            int tileColumns,
            float[] scales,
            int[] zeroPoints,
            byte[] codes) {
        int shift = format.offset() - Float.floatToRawIntBits(INTEGER_ROUNDER);
        int low = (int) format.lowest() + format.offset();
        int high = (int) format.highest() + format.offset();
        for (int tile = 0, at = 0; at < columns; tile++, at += tileColumns) {
            int end = Math.min(at + tileColumns, columns);
            int vectorEnd = vectorEnd(at, end);
            float scale = scales[tile];
            float zeroPoint = zeroPoints[tile];
            int i = at;
            for (; i < vectorEnd; i += LANES) {
                IntVector bits =
                        FloatVector.fromArray(FLOATS, values, i).div(scale).reinterpretAsInts();
                IntVector cut = bits.and(MAGNITUDE).min(CUT).or(bits.and(SIGN));
                IntVector rounded = cut.reinterpretAsFloats()
                        .add(zeroPoint)
                        .add(INTEGER_ROUNDER)
                        .reinterpretAsInts()
                        .add(shift);
                ((ByteVector) rounded.max(low).min(high).convertShape(I2B, BYTES, 0)).intoArray(codes, i);
            }
            for (; i < end; i++) {
                codes[i] = code(format, values[i] / scale, zeroPoints[tile]);
            }
        }
    }

    private static void encodeE4m3(float[] values, int columns, int tileColumns, float[] scales, byte[] codes) {
        for (int tile = 0, at = 0; at < columns; tile++, at += tileColumns) {
            int end = Math.min(at + tileColumns, columns);
            int vectorEnd = vectorEnd(at, end);
            float scale = scales[tile];
            int i = at;
            for (; i < vectorEnd; i += LANES) {
                IntVector bits =
                        FloatVector.fromArray(FLOATS, values, i).div(scale).reinterpretAsInts();
                IntVector magnitude = bits.and(MAGNITUDE).min(Float.floatToRawIntBits(Float8.E4M3_MAX));
                IntVector tieToEven = magnitude.lanewise(LSHR, 20).and(1);
                IntVector normal =
                        magnitude.add(0x7FFFF - (120 << 23)).add(tieToEven).lanewise(ASHR, 20);
                IntVector subnormal = magnitude
                        .reinterpretAsFloats()
                        .add(E4M3_ROUNDER)
                        .reinterpretAsInts()
                        .sub(Float.floatToRawIntBits(E4M3_ROUNDER));
                VectorMask<Integer> small = magnitude.compare(LT, Float.floatToRawIntBits(E4M3_SMALLEST_NORMAL));
                IntVector sign = bits.lanewise(LSHR, 24).and(0x80);
                ((ByteVector) normal.blend(subnormal, small).or(sign).convertShape(I2B, BYTES, 0)).intoArray(codes, i);
            }
            for (; i < end; i++) {
                codes[i] = Float8.toE4m3(values[i] / scale);
            }
        }
    }

    private static void encodeE2m1(float[] values, int columns, int tileColumns, float[] scales, byte[] codes) {
        for (int tile = 0, at = 0; at < columns; tile++, at += tileColumns) {
            int end = Math.min(at + tileColumns, columns);
            int vectorEnd = vectorEnd(at, end);
            float scale = scales[tile];
            int i = at;
            for (; i < vectorEnd; i += LANES) {
                IntVector bits =
                        FloatVector.fromArray(FLOATS, values, i).div(scale).reinterpretAsInts();
                IntVector magnitude = bits.and(MAGNITUDE).min(Float.floatToRawIntBits(Float4.E2M1_MAX));
                IntVector tieToEven = magnitude.lanewise(LSHR, 22).and(1);
                IntVector normal =
                        magnitude.add(0x1FFFFF - (126 << 23)).add(tieToEven).lanewise(ASHR, 22);
                IntVector subnormal = magnitude
                        .reinterpretAsFloats()
                        .add(E2M1_ROUNDER)
                        .reinterpretAsInts()
                        .sub(Float.floatToRawIntBits(E2M1_ROUNDER));
                VectorMask<Integer> small = magnitude.compare(LT, Float.floatToRawIntBits(E2M1_SMALLEST_NORMAL));
                IntVector sign = bits.lanewise(LSHR, 28).and(0x8);
                ((ByteVector) normal.blend(subnormal, small).or(sign).convertShape(I2B, BYTES, 0)).intoArray(codes, i);
            }
            for (; i < end; i++) {
                codes[i] = Float4.toE2m1(values[i] / scale);
            }
        }
    }

    /** Replaces values by what their codes stand for, times the scale. */
    static void round(CodeFormat format, float[] values, int at, int count, float scale, int zeroPoint) {
        int rounded = switch (format) {
            case E4M3 -> roundFloats(values, at, count, scale, 20, Float8.E4M3_MAX, E4M3_ROUNDER, E4M3_SMALLEST_NORMAL);
            case E2M1 -> roundFloats(values, at, count, scale, 22, Float4.E2M1_MAX, E2M1_ROUNDER, E2M1_SMALLEST_NORMAL);
            case INT8, INT8_OFFSET, INT4_OFFSET -> roundIntegers(format, values, at, count, scale, zeroPoint);
        };
        for (int i = at + rounded; i < at + count; i++) {
            values[i] = (format.number(format.code(values[i] / scale, zeroPoint)) - zeroPoint) * scale;
        }
    }

    private static int roundIntegers(CodeFormat format, float[] values, int at, int count, float scale, int zeroPoint) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            IntVector bits =
                    FloatVector.fromArray(FLOATS, values, at + i).div(scale).reinterpretAsInts();
            // NaN keeps its bits, so that it is seen further on.
            FloatVector cut = bits.and(MAGNITUDE)
                    .min(CUT)
                    .or(bits.and(SIGN))
                    .blend(bits, bits.and(MAGNITUDE).compare(LT, 0x7F800001).not())
                    .reinterpretAsFloats();
            cut.add(zeroPoint)
                    .max(format.lowest())
                    .min(format.highest())
                    .add(INTEGER_ROUNDER)
                    .sub(INTEGER_ROUNDER)
                    .sub(zeroPoint)
                    .mul(scale)
                    .intoArray(values, at + i);
        }
        return i;
    }

    private static int roundFloats(
            float[] values,
            int at,
            int count,
            float scale,
            int droppedBits,
            float largest,
            float rounder,
            float smallestNormal) {
        int half = (1 << (droppedBits - 1)) - 1;
        int kept = -(1 << droppedBits);
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            IntVector bits =
                    FloatVector.fromArray(FLOATS, values, at + i).div(scale).reinterpretAsInts();
            IntVector magnitude = bits.and(MAGNITUDE);
            IntVector cut = magnitude.min(Float.floatToRawIntBits(largest));
            IntVector tieToEven = cut.lanewise(LSHR, droppedBits).and(1);
            IntVector normal = cut.add(half).add(tieToEven).and(kept);
            IntVector subnormal =
                    cut.reinterpretAsFloats().add(rounder).sub(rounder).reinterpretAsInts();
            VectorMask<Integer> small = cut.compare(LT, Float.floatToRawIntBits(smallestNormal));
            VectorMask<Integer> number = magnitude.compare(LT, 0x7F800001);
            normal.blend(subnormal, small)
                    .or(bits.and(SIGN))
                    .blend(bits, number.not())
                    .reinterpretAsFloats()
                    .mul(scale)
                    .intoArray(values, at + i);
        }
        return i;
    }

    /** Packs {@code count} codes of 4 bits, two a byte, the first in the low nibble; {@code count} is even. */
    static void packNibbles(byte[] codes, int count, long target) {
        int i = 0;
        for (; i + Long.BYTES <= count; i += Long.BYTES) {
            long spread = (long) LONGS.get(codes, i);
            long pairs = (spread | (spread >>> 4)) & 0x00FF00FF00FF00FFL;
            long quads = (pairs | (pairs >>> 8)) & 0x0000FFFF0000FFFFL;
            Native.setInt(target + i / 2, (int) (quads | (quads >>> 16)));
        }
        for (; i < count; i += 2) {
            Native.setByte(target + i / 2, (byte) (codes[i] | (codes[i + 1] << 4)));
        }
    }
}
