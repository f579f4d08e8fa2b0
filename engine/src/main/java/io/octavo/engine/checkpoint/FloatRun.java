package io.octavo.engine.checkpoint;

import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Numbers of checkpoints to f32 and back, many at once: through arrays, in loops that the compiler makes vectors of. */
public final class FloatRun {

    private static final int PIECE = 4096;
    private static final int MAGNITUDE = 0x7FFFFFFF;
    private static final int INFINITY = 0x7F800000;
    private static final int QUIET = 0x0040;

    private FloatRun() {}

    /**
     * @param dtype F32, BF16 or F16
     * @param at the first number
     */
    public static void read(MemorySegment numbers, DType dtype, long at, float[] target, int first, int count) {
        if (dtype == DType.F32) {
            MemorySegment.copy(numbers, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, target, first, count);
            return;
        }
        var piece = new Piece(count);
        for (int done = 0; done < count; done += PIECE) {
            int length = Math.min(PIECE, count - done);
            MemorySegment.copy(
                    numbers, ValueLayout.JAVA_SHORT_UNALIGNED, (at + done) * Short.BYTES, piece.stored, 0, length);
            switch (dtype) {
                case BF16 -> piece.read(target, first + done, length);
                case F16 -> {
                    for (int i = 0; i < length; i++) {
                        target[first + done + i] = Float.float16ToFloat(piece.stored[i]);
                    }
                }
                default -> throw new IllegalStateException("no numbers of " + dtype);
            }
        }
    }

    /**
     * Rounded to nearest, ties to even.
     *
     * @param dtype F32, BF16 or F16
     * @param at where the first one comes to lie
     */
    public static void write(float[] source, int count, MemorySegment numbers, DType dtype, long at) {
        if (dtype == DType.F32) {
            MemorySegment.copy(source, 0, numbers, ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, count);
            return;
        }
        var piece = new Piece(count);
        for (int done = 0; done < count; done += PIECE) {
            int length = Math.min(PIECE, count - done);
            switch (dtype) {
                case BF16 -> piece.round(source, done, length);
                case F16 -> {
                    for (int i = 0; i < length; i++) {
                        piece.stored[i] = Float.floatToFloat16(source[done + i]);
                    }
                }
                default -> throw new IllegalStateException("no numbers of " + dtype);
            }
            MemorySegment.copy(
                    piece.stored, 0, numbers, ValueLayout.JAVA_SHORT_UNALIGNED, (at + done) * Short.BYTES, length);
        }
    }

    /** The largest magnitude; NaN if one is. By bits, which order as magnitudes do. */
    public static float absmax(float[] values) {
        var piece = new Piece(values.length);
        int most = 0;
        for (int done = 0; done < values.length; done += PIECE) {
            int length = Math.min(PIECE, values.length - done);
            MemorySegment.copy(
                    MemorySegment.ofArray(values),
                    ValueLayout.JAVA_INT,
                    (long) done * Float.BYTES,
                    piece.bits,
                    0,
                    length);
            for (int i = 0; i < length; i++) {
                most = Math.max(most, piece.bits[i] & MAGNITUDE);
            }
        }
        return Float.intBitsToFloat(most);
    }

    /** Some numbers at a time. Floats are copied to integers and back, since loops that turn one into the other stay loops. */
    private static final class Piece {

        final short[] stored;
        final int[] bits;

        Piece(int count) {
            stored = new short[Math.min(count, PIECE)];
            bits = new int[stored.length];
        }

        /** As {@link BFloat16#toFloat}. */
        void read(float[] target, int first, int count) {
            for (int i = 0; i < count; i++) {
                bits[i] = stored[i] << 16;
            }
            MemorySegment.copy(
                    bits, 0, MemorySegment.ofArray(target), ValueLayout.JAVA_INT, (long) first * Float.BYTES, count);
        }

        /** As {@link BFloat16#fromFloat}, without a branch. */
        void round(float[] source, int first, int count) {
            MemorySegment.copy(
                    MemorySegment.ofArray(source), ValueLayout.JAVA_INT, (long) first * Float.BYTES, bits, 0, count);
            for (int i = 0; i < count; i++) {
                int number = bits[i];
                int nan = (INFINITY - (number & MAGNITUDE)) >> 31;
                int rounded = (number + 0x7FFF + ((number >>> 16) & 1)) >>> 16;
                int kept = (number >>> 16) | QUIET;
                bits[i] = rounded ^ ((rounded ^ kept) & nan);
            }
            for (int i = 0; i < count; i++) {
                stored[i] = (short) bits[i];
            }
        }
    }
}
