package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Element-wise access to a {@link Matrix} in host memory, bounds-checked, every number seen as f32. */
public final class HostMatrix {

    private static final ValueLayout.OfDouble F64 =
            ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong I64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfByte I8 = ValueLayout.JAVA_BYTE;

    private final MemorySegment segment;
    private final DType dtype;
    private final long columns;

    private HostMatrix(MemorySegment segment, DType dtype, long columns) {
        this.segment = segment;
        this.dtype = dtype;
        this.columns = columns;
    }

    public static HostMatrix of(Matrix matrix) {
        return new HostMatrix(HostBuffer.segmentOf(matrix), matrix.dtype(), matrix.columns());
    }

    /** The value as f32; 64-bit numbers are rounded, the rest is exact (I32 below 2^24). */
    public float get(long row, long column) {
        long at = (row * columns + column) * dtype.bytes();
        return switch (dtype) {
            case F64 -> (float) segment.get(F64, at);
            case F32 -> segment.get(F32, at);
            case F16 -> Float.float16ToFloat(segment.get(I16, at));
            case BF16 -> BFloat16.toFloat(segment.get(I16, at));
            case F8_E4M3 -> Float8.fromE4m3(segment.get(I8, at));
            case F8_E5M2 -> Float8.fromE5m2(segment.get(I8, at));
            case I64 -> segment.get(I64, at);
            case I32 -> segment.get(I32, at);
            case I16 -> segment.get(I16, at);
            case I8 -> segment.get(I8, at);
            case U8, BOOL -> segment.get(I8, at) & 0xFF;
            default -> throw new IllegalArgumentException("nothing computes with " + dtype);
        };
    }

    /** Rounds to nearest, ties to even; 8-bit types saturate. */
    public void set(long row, long column, float value) {
        long at = (row * columns + column) * dtype.bytes();
        switch (dtype) {
            case F64 -> segment.set(F64, at, value);
            case F32 -> segment.set(F32, at, value);
            case F16 -> segment.set(I16, at, Float.floatToFloat16(value));
            case BF16 -> segment.set(I16, at, BFloat16.fromFloat(value));
            case F8_E4M3 -> segment.set(I8, at, Float8.toE4m3(value));
            case F8_E5M2 -> segment.set(I8, at, Float8.toE5m2(value));
            case I8 -> segment.set(I8, at, (byte) Math.clamp(Math.rint(value), -128, 127));
            default -> throw new IllegalArgumentException("no float goes into " + dtype);
        }
    }

    /** Sets the bits of an element of one byte, whatever they stand for. */
    public void setByte(long row, long column, int bits) {
        segment.set(I8, row * columns + column, (byte) bits);
    }

    /** Sets an element of an F64 matrix. */
    public void setDouble(long row, long column, double value) {
        segment.set(F64, (row * columns + column) * Double.BYTES, value);
    }

    /** An element of an I32 matrix. */
    public int getInt(long row, long column) {
        return segment.get(I32, (row * columns + column) * Integer.BYTES);
    }

    /** Sets an element of an I32 matrix. */
    public void setInt(long row, long column, int value) {
        segment.set(I32, (row * columns + column) * Integer.BYTES, value);
    }

    /** An element of an I64 matrix. */
    public long getLong(long row, long column) {
        return segment.get(I64, (row * columns + column) * Long.BYTES);
    }

    /** Sets an element of an I64 matrix. */
    public void setLong(long row, long column, long value) {
        segment.set(I64, (row * columns + column) * Long.BYTES, value);
    }

    /** A row as a fresh array. */
    public float[] row(long row) {
        float[] values = new float[Math.toIntExact(columns)];
        for (int c = 0; c < values.length; c++) {
            values[c] = get(row, c);
        }
        return values;
    }
}
