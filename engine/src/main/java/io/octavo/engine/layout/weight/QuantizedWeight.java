package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.CodeFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * A Linear's weight as it is stored, whatever the layout, in the model's own order {@code [outFeatures, inFeatures]}.
 *
 * <p>{@code w = (code - zeroPoint) * scale * globalScale}. A group is what shares a scale within a row: the row itself
 * for scales per tensor or channel, {@code size} columns for groups, a block's columns for blocks. Borrows the checkpoint
 * that it was read from; safe for use by several threads.
 */
public interface QuantizedWeight {

    long outFeatures();

    long inFeatures();

    Quantization quantization();

    /** How many scales a row has; the last group is shorter where the size does not divide {@code inFeatures}. */
    int groups();

    /**
     * Reads the rows {@code [from, to)}, one byte a code: two's complement integers with every offset removed, E4M3 bits,
     * or E2M1 bits in the low nibble.
     */
    void readCodes(long from, long to, byte[] target);

    /** Reads the rows {@code [from, to)} of integers of four bits and an even number of columns, as {@code INT4_OFFSET}. */
    default void readPacked(long from, long to, MemorySegment target) {
        byte[] codes = new byte[Math.toIntExact((to - from) * inFeatures())];
        readCodes(from, to, codes);
        int offset = CodeFormat.INT4_OFFSET.offset();
        for (int i = 0; i < codes.length; i += 2) {
            int both = (codes[i] + offset) | (codes[i + 1] + offset) << CodeFormat.INT4_OFFSET.bits();
            target.set(ValueLayout.JAVA_BYTE, i / 2, (byte) both);
        }
    }

    /** Reads the rows' scales as f32, {@code [rows, groups]}; powers of two for MX, without the global scale. */
    void readScales(long from, long to, float[] target);

    /** Reads the rows' zero points, {@code [rows, groups]}, in the codes' numbering; zeros for symmetric weights. */
    default void readZeroPoints(long from, long to, byte[] target) {
        Arrays.fill(target, 0, Math.toIntExact((to - from) * groups()), (byte) 0);
    }

    /** What every scale is multiplied by; 1 except for NVFP4. */
    default float globalScale() {
        return 1;
    }

    /** The group of each input channel where groups are no runs of consecutive channels (act-order). */
    default Optional<int[]> groupIndex() {
        return Optional.empty();
    }

    /** The codes as they lie in the file, where that is one byte each in the order of {@link #readCodes}. */
    default Optional<Tensor> plainCodes() {
        return Optional.empty();
    }
}
