package io.octavo.kernels.internal.vector.base;

import static io.octavo.kernels.internal.vector.base.Native.FLOATS;
import static io.octavo.kernels.internal.vector.base.Native.LANES;
import static io.octavo.kernels.internal.vector.base.Native.MEMORY;
import static jdk.incubator.vector.VectorOperators.B2I;
import static jdk.incubator.vector.VectorOperators.GE;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_S2I;

import io.octavo.kernels.number.DType;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Converts consecutive numbers of any type to f32, exactly.
 *
 * <p>A smaller float widens by moving exponent and mantissa to their place in an f32 and adding the difference of the
 * biases. Subnormals are built as {@code 1.mantissa} of the smallest normal exponent less one, which avoids slow f32
 * subnormals on the way. Loops are written out here and in other kernels: a vector that is passed between methods costs
 * an allocation whenever the compiler declines to inline one.
 */
public final class RowReader {

    private static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, FLOATS.vectorShape());
    private static final VectorSpecies<Short> SHORTS =
            VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));
    /** With vectors of 128 bits, four bytes are less than the smallest byte vector: those go one by one. */
    private static final boolean BYTES_FIT = FLOATS.vectorBitSize() >= 256;

    private static final VectorSpecies<Byte> BYTES =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));

    private RowReader() {}

    /** Reads {@code count} numbers at {@code address} into {@code target[at ..]}. */
    public static void read(DType dtype, long address, int count, float[] target, int at) {
        for (int from = 0; from < count; from += Grain.PIECE) {
            readPiece(
                    dtype,
                    address + (long) from * dtype.bytes(),
                    Math.min(Grain.PIECE, count - from),
                    target,
                    at + from);
        }
    }

    private static void readPiece(DType dtype, long address, int count, float[] target, int at) {
        int whole = count - count % LANES;
        int read = switch (dtype) {
            case F32 -> readF32(address, whole, target, at);
            case BF16 -> readBf16(address, whole, target, at);
            case F16 -> readF16(address, whole, target, at);
            case F8_E4M3 -> BYTES_FIT ? readE4m3(address, whole, target, at) : 0;
            case I8 -> BYTES_FIT ? readI8(address, whole, target, at) : 0;
            default -> 0;
        };
        for (int i = read; i < count; i++) {
            target[at + i] = Native.getNumber(dtype, address + (long) i * dtype.bytes());
        }
    }

    private static int readF32(long address, int whole, float[] target, int at) {
        for (int i = 0; i < whole; i += LANES) {
            Native.load(address + (long) i * Float.BYTES).intoArray(target, at + i);
        }
        return whole;
    }

    private static int readBf16(long address, int whole, float[] target, int at) {
        for (int i = 0; i < whole; i += LANES) {
            ShortVector shorts = ShortVector.fromMemorySegment(
                    SHORTS, MEMORY, address + (long) i * Short.BYTES, ByteOrder.LITTLE_ENDIAN);
            IntVector bits = (IntVector) shorts.convertShape(ZERO_EXTEND_S2I, INTS, 0);
            bits.lanewise(LSHL, 16).reinterpretAsFloats().intoArray(target, at + i);
        }
        return whole;
    }

    private static int readF16(long address, int whole, float[] target, int at) {
        for (int i = 0; i < whole; i += LANES) {
            ShortVector shorts = ShortVector.fromMemorySegment(
                    SHORTS, MEMORY, address + (long) i * Short.BYTES, ByteOrder.LITTLE_ENDIAN);
            IntVector bits = (IntVector) shorts.convertShape(ZERO_EXTEND_S2I, INTS, 0);
            IntVector magnitude = bits.and(0x7FFF).lanewise(LSHL, 13);
            FloatVector subnormal =
                    magnitude.add(113 << 23).reinterpretAsFloats().sub(0x1p-14f);
            magnitude
                    .add(112 << 23)
                    .blend(subnormal.reinterpretAsInts(), magnitude.compare(LT, 1 << 23))
                    // Infinity and NaN: the largest exponent stays the largest.
                    .blend(magnitude.or(0x7F800000), magnitude.compare(GE, 0x1F << 23))
                    .or(bits.and(0x8000).lanewise(LSHL, 16))
                    .reinterpretAsFloats()
                    .intoArray(target, at + i);
        }
        return whole;
    }

    private static int readE4m3(long address, int whole, float[] target, int at) {
        for (int i = 0; i < whole; i += LANES) {
            ByteVector codes = ByteVector.fromMemorySegment(BYTES, MEMORY, address + i, ByteOrder.LITTLE_ENDIAN);
            IntVector bits = (IntVector) codes.convertShape(ZERO_EXTEND_B2I, INTS, 0);
            IntVector magnitude = bits.and(0x7F).lanewise(LSHL, 20);
            FloatVector subnormal =
                    magnitude.add(121 << 23).reinterpretAsFloats().sub(0x1p-6f);
            magnitude
                    .add(120 << 23)
                    .blend(subnormal.reinterpretAsInts(), magnitude.compare(LT, 1 << 23))
                    .blend(0x7FC00000, magnitude.compare(GE, 0x7F << 20))
                    .or(bits.and(0x80).lanewise(LSHL, 24))
                    .reinterpretAsFloats()
                    .intoArray(target, at + i);
        }
        return whole;
    }

    private static int readI8(long address, int whole, float[] target, int at) {
        for (int i = 0; i < whole; i += LANES) {
            ByteVector codes = ByteVector.fromMemorySegment(BYTES, MEMORY, address + i, ByteOrder.LITTLE_ENDIAN);
            IntVector ints = (IntVector) codes.convertShape(B2I, INTS, 0);
            ((FloatVector) ints.convert(I2F, 0)).intoArray(target, at + i);
        }
        return whole;
    }

    /** Writes f32 numbers to memory. */
    public static void write(float[] values, int at, int count, long address) {
        int i = 0;
        for (; i + LANES <= count; i += LANES) {
            Native.store(FloatVector.fromArray(FLOATS, values, at + i), address + (long) i * Float.BYTES);
        }
        for (; i < count; i++) {
            Native.setFloat(address + (long) i * Float.BYTES, values[at + i]);
        }
    }
}
