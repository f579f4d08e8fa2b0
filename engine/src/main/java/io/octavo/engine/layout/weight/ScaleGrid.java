package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.DoublePredicate;

/**
 * A weight's scales, row-major, each for a tile of the weight.
 *
 * @param tensor any float type; U8 holds the exponents of powers of two (E8M0)
 * @param tileRows rows of the weight that share a row of scales
 * @param columns scales a row
 */
public record ScaleGrid(Tensor tensor, long tileRows, int columns) {

    private static final int E8M0_BIAS = 127;
    private static final int E8M0_NAN = 255;

    private static final int CHECKED_AT_ONCE = 1 << 14;

    /** The scales of the weight's rows {@code [from, to)}, {@code [rows, columns]}. */
    public void read(long from, long to, float[] target) {
        if (tileRows == 1) {
            copy(from * columns, Math.toIntExact((to - from) * columns), target, 0);
            return;
        }
        for (long row = from; row < to; row++) {
            int at = Math.toIntExact((row - from) * columns);
            if (row > from && row % tileRows != 0) {
                System.arraycopy(target, at - columns, target, at, columns);
            } else {
                copy(row / tileRows * columns, columns, target, at);
            }
        }
    }

    long count() {
        return tensor.segment().byteSize() / tensor.dtype().bytes();
    }

    /** The scale at a place of the grid. */
    public float number(long index) {
        float[] number = new float[1];
        copy(index, 1, number, 0);
        return number[0];
    }

    /** The scales from one place of the grid on. Reads many at once: single accesses to native memory cost a young JVM dearly. */
    public void copy(long first, int count, float[] target, int at) {
        MemorySegment segment = tensor.segment();
        switch (tensor.dtype()) {
            case F32 ->
                MemorySegment.copy(segment, ValueLayout.JAVA_FLOAT_UNALIGNED, first * Float.BYTES, target, at, count);
            case F16 -> {
                short[] bits = shorts(segment, first, count);
                for (int i = 0; i < count; i++) {
                    target[at + i] = Float.float16ToFloat(bits[i]);
                }
            }
            case BF16 -> {
                short[] bits = shorts(segment, first, count);
                for (int i = 0; i < count; i++) {
                    target[at + i] = BFloat16.toFloat(bits[i]);
                }
            }
            case F8_E4M3 -> {
                byte[] bits = bytes(segment, first, count);
                for (int i = 0; i < count; i++) {
                    target[at + i] = Float8.fromE4m3(bits[i]);
                }
            }
            case U8 -> {
                byte[] bits = bytes(segment, first, count);
                for (int i = 0; i < count; i++) {
                    target[at + i] = power(bits[i] & 0xFF);
                }
            }
            default -> throw new IllegalStateException("no scales in " + tensor.dtype());
        }
    }

    private static short[] shorts(MemorySegment segment, long first, int count) {
        short[] bits = new short[count];
        MemorySegment.copy(segment, ValueLayout.JAVA_SHORT_UNALIGNED, first * Short.BYTES, bits, 0, count);
        return bits;
    }

    private static byte[] bytes(MemorySegment segment, long first, int count) {
        byte[] bits = new byte[count];
        MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, first, bits, 0, count);
        return bits;
    }

    private static float power(int exponent) {
        return exponent == E8M0_NAN ? Float.NaN : Math.scalb(1f, exponent - E8M0_BIAS);
    }

    /** @throws io.octavo.engine.failure.QuantizationException if a scale is not finite or not positive */
    public void requirePositive() {
        require(value -> value > 0, "scales are positive and finite");
    }

    /** @throws io.octavo.engine.failure.QuantizationException if a scale is not finite or negative */
    public void requireNotNegative() {
        require(value -> value >= 0, "scales are finite and not negative");
    }

    /** @param allowed false for NaN */
    private void require(DoublePredicate allowed, String rule) {
        long count = count();
        float[] values = new float[(int) Math.min(count, CHECKED_AT_ONCE)];
        for (long from = 0; from < count; from += values.length) {
            int more = (int) Math.min(values.length, count - from);
            copy(from, more, values, 0);
            for (int i = 0; i < more; i++) {
                if (!allowed.test(values[i]) || values[i] == Float.POSITIVE_INFINITY) {
                    throw Declaration.unsupported(
                            "tensor " + tensor.name() + " holds " + values[i] + " at " + (from + i) + "; " + rule);
                }
            }
        }
    }
}
