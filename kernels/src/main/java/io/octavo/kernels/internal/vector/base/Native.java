package io.octavo.kernels.internal.vector.base;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.host.HostBuffer;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/**
 * Loads and stores at raw addresses.
 *
 * <p>Unchecked, hence fast: one constant segment spans all memory, so a load compiles to one instruction whatever kind
 * of segment the bytes came from (mapped, allocated). An operation therefore checks shapes and liveness of every operand
 * first ({@link io.octavo.kernels.internal.Operands}, {@link #address}), and its caller keeps the buffers open.
 */
public final class Native {

    public static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;

    /** Floats in a vector. */
    public static final int LANES = FLOATS.length();

    public static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfDouble F64 =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Native() {}

    /** Address of the first element; throws if the buffer is closed. */
    public static long address(Matrix matrix) {
        return HostBuffer.segmentOf(matrix).address();
    }

    public static FloatVector load(long address) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ByteOrder.LITTLE_ENDIAN);
    }

    /** Touches no memory outside the mask. */
    public static FloatVector load(long address, VectorMask<Float> mask) {
        return FloatVector.fromMemorySegment(FLOATS, MEMORY, address, ByteOrder.LITTLE_ENDIAN, mask);
    }

    public static void store(FloatVector vector, long address) {
        vector.intoMemorySegment(MEMORY, address, ByteOrder.LITTLE_ENDIAN);
    }

    /** Touches no memory outside the mask. */
    public static void store(FloatVector vector, long address, VectorMask<Float> mask) {
        vector.intoMemorySegment(MEMORY, address, ByteOrder.LITTLE_ENDIAN, mask);
    }

    public static float getFloat(long address) {
        return MEMORY.get(F32, address);
    }

    public static void setFloat(long address, float value) {
        MEMORY.set(F32, address, value);
    }

    public static void setDouble(long address, double value) {
        MEMORY.set(F64, address, value);
    }

    public static int getInt(long address) {
        return MEMORY.get(I32, address);
    }

    public static void setInt(long address, int value) {
        MEMORY.set(I32, address, value);
    }

    public static long getLong(long address) {
        return MEMORY.get(I64, address);
    }

    public static void setLong(long address, long value) {
        MEMORY.set(I64, address, value);
    }

    static short getShort(long address) {
        return MEMORY.get(I16, address);
    }

    public static void setShort(long address, short value) {
        MEMORY.set(I16, address, value);
    }

    public static byte getByte(long address) {
        return MEMORY.get(ValueLayout.JAVA_BYTE, address);
    }

    public static void setByte(long address, byte value) {
        MEMORY.set(ValueLayout.JAVA_BYTE, address, value);
    }

    /** One number of any type that an operation reads as f32. */
    public static float getNumber(DType dtype, long address) {
        return switch (dtype) {
            case F32 -> getFloat(address);
            case BF16 -> BFloat16.toFloat(getShort(address));
            case F16 -> Float.float16ToFloat(getShort(address));
            case F8_E4M3 -> Float8.fromE4m3(getByte(address));
            case I8 -> getByte(address);
            default -> throw new IllegalArgumentException("not read here: " + dtype);
        };
    }
}
