package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.scheme.Quantization;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * E2M1 codes, two a byte, the even input channel in the low nibble.
 *
 * @param packed U8 {@code [outFeatures, inFeatures / 2]}
 * @param globalScale what every scale is multiplied by
 */
public record PackedE2m1(Tensor packed, Quantization quantization, ScaleGrid scales, float globalScale)
        implements QuantizedWeight {

    @Override
    public long outFeatures() {
        return packed.shape().getFirst();
    }

    @Override
    public long inFeatures() {
        return 2 * packed.shape().getLast();
    }

    @Override
    public int groups() {
        return scales.columns();
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        MemorySegment segment = packed.segment();
        long rowBytes = packed.shape().getLast();
        int at = 0;
        for (long i = from * rowBytes; i < to * rowBytes; i++) {
            byte both = segment.get(ValueLayout.JAVA_BYTE, i);
            target[at++] = (byte) (both & 0xF);
            target[at++] = (byte) ((both >> 4) & 0xF);
        }
    }

    @Override
    public void readScales(long from, long to, float[] target) {
        scales.read(from, to, target);
    }

    @Override
    public void readZeroPoints(long from, long to, byte[] target) {
        Arrays.fill(target, 0, Math.toIntExact((to - from) * groups()), (byte) 0);
    }

    @Override
    public Optional<int[]> groupIndex() {
        return Optional.empty();
    }
}
