package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Quantization;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * A weight of unsigned integer codes in 32-bit words, stored with inputs as rows.
 *
 * @param codes I32: {@code [inFeatures / codes per word, outFeatures]} for GPTQ, {@code [inFeatures, outFeatures / codes
 *     per word]} for AWQ
 * @param zeroPoints I32, {@code [groups, outFeatures / codes per word]}
 * @param scales {@code [groups, outFeatures]}
 * @param zeroPointOffset what a stored zero point is too small by
 * @param index the group of each input channel where that is no run of consecutive ones
 */
record TransposedWeight(
        Tensor codes,
        Tensor zeroPoints,
        ScaleGrid scales,
        Quantization quantization,
        long inFeatures,
        int groups,
        CodeOrder order,
        int zeroPointOffset,
        Optional<int[]> index)
        implements QuantizedWeight {

    /** In which order words hold codes, and along which dimension the weight is packed. */
    enum CodeOrder {
        /** Along inputs, ascending; zero points along outputs, ascending. */
        GPTQ,
        /** Along outputs, in the order that AWQ's kernel unpacks them; zero points likewise. */
        AWQ;

        private static final int[] AWQ_PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

        /** Where in its word the code of an output lies. */
        int placeOfOutput(long output, int perWord) {
            int within = (int) (output % perWord);
            return this == AWQ ? AWQ_PLACES[within] : within;
        }
    }

    @Override
    public long outFeatures() {
        return scales.columns();
    }

    private int bits() {
        return quantization.type().bits();
    }

    private int perWord() {
        return Integer.SIZE / bits();
    }

    private int mask() {
        return (1 << bits()) - 1;
    }

    /** Unsigned codes are this much above signed ones. */
    private int middle() {
        return 1 << (bits() - 1);
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        if (order == CodeOrder.AWQ) {
            readAlongOutputs(from, to, target);
        } else {
            readAlongInputs(from, to, target);
        }
    }

    /** Visits words in the order of the file. */
    private void readAlongInputs(long from, long to, byte[] target) {
        MemorySegment words = codes.segment();
        int columns = Math.toIntExact(inFeatures);
        int rows = Math.toIntExact(to - from);
        int perWord = perWord();
        int bits = bits();
        int mask = mask();
        int middle = middle();
        for (int first = 0; first < columns; first += perWord) {
            long wordRow = (long) (first / perWord) * outFeatures() + from;
            for (int row = 0; row < rows; row++) {
                int word = words.get(ValueLayout.JAVA_INT_UNALIGNED, (wordRow + row) * Integer.BYTES);
                int at = row * columns + first;
                for (int place = 0; place < perWord; place++) {
                    target[at + place] = (byte) (((word >>> (place * bits)) & mask) - middle);
                }
            }
        }
    }

    private void readAlongOutputs(long from, long to, byte[] target) {
        MemorySegment words = codes.segment();
        int columns = Math.toIntExact(inFeatures);
        int perWord = perWord();
        long wordsARow = outFeatures() / perWord;
        for (int column = 0; column < columns; column++) {
            for (long output = from; output < to; output++) {
                long at = (column * wordsARow + output / perWord) * Integer.BYTES;
                int word = words.get(ValueLayout.JAVA_INT_UNALIGNED, at);
                int unsigned = (word >>> (order.placeOfOutput(output, perWord) * bits())) & mask();
                target[Math.toIntExact((output - from) * columns + column)] = (byte) (unsigned - middle());
            }
        }
    }

    @Override
    public void readScales(long from, long to, float[] target) {
        int outputs = Math.toIntExact(to - from);
        float[] ofGroup = new float[outputs];
        for (int group = 0; group < groups; group++) {
            scales.copy(group * outFeatures() + from, outputs, ofGroup, 0);
            for (int output = 0; output < outputs; output++) {
                target[Math.toIntExact((long) output * groups + group)] = ofGroup[output];
            }
        }
    }

    @Override
    public void readZeroPoints(long from, long to, byte[] target) {
        if (quantization.symmetric()) {
            QuantizedWeight.super.readZeroPoints(from, to, target);
            return;
        }
        for (int group = 0; group < groups; group++) {
            for (long output = from; output < to; output++) {
                target[Math.toIntExact((output - from) * groups + group)] =
                        (byte) (unsignedZeroPoint(group, output) - middle());
            }
        }
    }

    private int unsignedZeroPoint(int group, long output) {
        int perWord = perWord();
        long at = (group * (outFeatures() / perWord) + output / perWord) * Integer.BYTES;
        int word = zeroPoints.segment().get(ValueLayout.JAVA_INT_UNALIGNED, at);
        return ((word >>> (order.placeOfOutput(output, perWord) * bits())) & mask()) + zeroPointOffset;
    }

    /**
     * Loaders disagree about a config that says symmetric beside zero points off the middle, and about a zero point past
     * the largest code; both mostly mean that one version of the format was taken for the other.
     */
    void requireZeroPoints() {
        for (int group = 0; group < groups; group++) {
            for (long output = 0; output < outFeatures(); output++) {
                int zeroPoint = unsignedZeroPoint(group, output);
                if (quantization.symmetric() && zeroPoint != middle()) {
                    throw Declaration.unsupported("tensor " + zeroPoints.name() + " holds zero point " + zeroPoint
                            + " in group " + group + " of output " + output + "; a symmetric weight has " + middle()
                            + (zeroPointOffset == 0 ? "" : ", stored as " + (middle() - zeroPointOffset)));
                }
                if (zeroPoint > mask()) {
                    throw Declaration.unsupported("tensor " + zeroPoints.name() + " holds zero point " + zeroPoint
                            + " in group " + group + " of output " + output + "; allowed: 0 to " + mask());
                }
            }
        }
    }

    @Override
    public Optional<int[]> groupIndex() {
        return index.map(int[]::clone);
    }
}
