package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Quantization;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Integers of 4 or 8 bits in little-endian 32-bit words, lowest bits first, each plus half the range.
 *
 * <p>Codes are packed along the input channels, each row padded to whole words; zero points along the output channels.
 *
 * @param packed I32 {@code [outFeatures, ceil(inFeatures * bits / 32)]}
 * @param zeroPoints I32 {@code [ceil(outFeatures * bits / 32), groups]}; null for symmetric weights
 * @param index the group of each input channel; empty where groups are runs of channels
 */
record PackedIntegers(
        Tensor packed,
        long outFeatures,
        long inFeatures,
        Quantization quantization,
        ScaleGrid scales,
        @Nullable Tensor zeroPoints,
        Optional<int[]> index)
        implements QuantizedWeight {

    @Override
    public int groups() {
        return scales.columns();
    }

    /** Little-endian words whose lowest bits come first hold their codes in the order of the bytes. */
    @Override
    public void readCodes(long from, long to, byte[] target) {
        long rowBytes = packed.shape().getLast() * Integer.BYTES;
        int columns = Math.toIntExact(inFeatures);
        byte[] row = new byte[Math.toIntExact(rowBytes)];
        int at = 0;
        for (long i = from; i < to; i++) {
            MemorySegment.copy(packed.segment(), ValueLayout.JAVA_BYTE, i * rowBytes, row, 0, row.length);
            if (quantization.type().bits() == Byte.SIZE) {
                for (int column = 0; column < columns; column++) {
                    target[at++] = (byte) (row[column] ^ 0x80);
                }
            } else {
                for (int column = 0; column < columns; column++) {
                    target[at++] = (byte) (((row[column / 2] >> (column % 2 * 4)) & 0xF) - 8);
                }
            }
        }
    }

    @Override
    public void readScales(long from, long to, float[] target) {
        scales.read(from, to, target);
    }

    @Override
    public void readZeroPoints(long from, long to, byte[] target) {
        if (zeroPoints == null) {
            QuantizedWeight.super.readZeroPoints(from, to, target);
            return;
        }
        int bits = quantization.type().bits();
        int perWord = Integer.SIZE / bits;
        int at = 0;
        for (long row = from; row < to; row++) {
            long words = row / perWord * groups();
            int shift = Math.toIntExact(row % perWord) * bits;
            for (int group = 0; group < groups(); group++, at++) {
                int word = zeroPoints.segment().get(ValueLayout.JAVA_INT_UNALIGNED, (words + group) * Integer.BYTES);
                target[at] = (byte) (((word >>> shift) & ((1 << bits) - 1)) - (1 << (bits - 1)));
            }
        }
    }

    @Override
    public Optional<int[]> groupIndex() {
        return index.map(int[]::clone);
    }
}
