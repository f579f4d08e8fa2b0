package io.octavo.kernels.internal.vector;

import io.octavo.kernels.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Finds the largest magnitude of rows that are stored in one type. Used by one thread. */
final class RowMaximum {

    /** Numbers looked at together: few enough for the first-level cache. */
    private static final int BLOCK = 2048;

    private static final int MAGNITUDE = 0x7FFFFFFF;

    private static final ValueLayout.OfShort I16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt I32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final DType dtype;
    private final short[] halves = new short[BLOCK];
    private final int[] bits = new int[BLOCK];

    /** @param dtype F32, BF16 or F16 */
    RowMaximum(DType dtype) {
        this.dtype = dtype;
    }

    /**
     * Infinite or NaN if any number is: patterns of magnitudes are ordered like the numbers, with NaN last, in each of
     * the three types.
     */
    float of(long address, int count) {
        int max = 0;
        for (int from = 0; from < count; from += BLOCK) {
            int block = Math.min(BLOCK, count - from);
            load(address + (long) from * dtype.bytes(), block);
            max = Math.max(max, largest(bits, block));
        }
        return dtype == DType.F16 ? Float.float16ToFloat((short) (max >>> Short.SIZE)) : Float.intBitsToFloat(max);
    }

    /** A pattern of 16 bits goes to the upper half, where a BF16 is an F32 already. */
    private void load(long address, int count) {
        if (dtype == DType.F32) {
            MemorySegment.copy(Native.MEMORY, I32, address, bits, 0, count);
        } else {
            MemorySegment.copy(Native.MEMORY, I16, address, halves, 0, count);
            widen(halves, bits, count);
        }
    }

    private static void widen(short[] halves, int[] bits, int count) {
        for (int i = 0; i < count; i++) {
            bits[i] = halves[i] << Short.SIZE;
        }
    }

    private static int largest(int[] bits, int count) {
        int max = 0;
        for (int i = 0; i < count; i++) {
            max = Math.max(max, bits[i] & MAGNITUDE);
        }
        return max;
    }
}
