package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.kernels.BFloat16;
import io.octavo.kernels.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A weight's scales, row-major, each for a tile of the weight.
 *
 * @param tensor any float type; U8 holds the exponents of powers of two (E8M0)
 * @param tileRows rows of the weight that share a row of scales
 * @param columns scales a row
 */
record ScaleGrid(Tensor tensor, long tileRows, int columns) {

    private static final int E8M0_BIAS = 127;
    private static final int E8M0_NAN = 255;

    /** The scales of the weight's rows {@code [from, to)}, {@code [rows, columns]}. */
    void read(long from, long to, float[] target) {
        for (long row = from; row < to; row++) {
            long first = row / tileRows * columns;
            int at = Math.toIntExact((row - from) * columns);
            for (int column = 0; column < columns; column++) {
                target[at + column] = number(first + column);
            }
        }
    }

    long count() {
        return tensor.segment().byteSize() / tensor.dtype().bytes();
    }

    /** The scale at a place of the grid. */
    float number(long index) {
        MemorySegment segment = tensor.segment();
        return switch (tensor.dtype()) {
            case F32 -> segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, index * Float.BYTES);
            case F16 -> Float.float16ToFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, index * Short.BYTES));
            case BF16 -> BFloat16.toFloat(segment.get(ValueLayout.JAVA_SHORT_UNALIGNED, index * Short.BYTES));
            case F8_E4M3 -> Float8.fromE4m3(segment.get(ValueLayout.JAVA_BYTE, index));
            case U8 -> power(segment.get(ValueLayout.JAVA_BYTE, index) & 0xFF);
            case F64, F8_E5M2, I64, I32, I16, I8, BOOL ->
                throw new IllegalStateException("no scales in " + tensor.dtype());
        };
    }

    private static float power(int exponent) {
        return exponent == E8M0_NAN ? Float.NaN : Math.scalb(1f, exponent - E8M0_BIAS);
    }

    /** @throws io.octavo.engine.QuantizationException if a scale is not finite or not positive */
    void requirePositive() {
        long count = count();
        for (long i = 0; i < count; i++) {
            float value = number(i);
            if (!(value > 0 && value < Float.POSITIVE_INFINITY)) {
                throw StrictObject.unsupported("tensor " + tensor.name() + " holds " + value + " at " + i
                        + "; scales are positive and finite");
            }
        }
    }

    /** @throws io.octavo.engine.QuantizationException if a scale is not finite or negative */
    void requireNotNegative() {
        long count = count();
        for (long i = 0; i < count; i++) {
            float value = number(i);
            if (!(value >= 0 && value < Float.POSITIVE_INFINITY)) {
                throw StrictObject.unsupported("tensor " + tensor.name() + " holds " + value + " at " + i
                        + "; scales are finite and not negative");
            }
        }
    }
}
