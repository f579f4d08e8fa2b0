package io.octavo.engine.layout.weight;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.scheme.Quantization;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * A symmetric weight whose codes are one byte each.
 *
 * @param codes {@code [outFeatures, inFeatures]}, F8_E4M3 or I8
 */
public record PlainWeight(Tensor codes, Quantization quantization, ScaleGrid scales) implements QuantizedWeight {

    @Override
    public long outFeatures() {
        return codes.shape().getFirst();
    }

    @Override
    public long inFeatures() {
        return codes.shape().getLast();
    }

    @Override
    public int groups() {
        return scales.columns();
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        MemorySegment.copy(
                codes.segment(),
                ValueLayout.JAVA_BYTE,
                from * inFeatures(),
                target,
                0,
                Math.toIntExact((to - from) * inFeatures()));
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
    public float globalScale() {
        return 1;
    }

    @Override
    public Optional<int[]> groupIndex() {
        return Optional.empty();
    }

    @Override
    public Optional<Tensor> plainCodes() {
        return Optional.of(codes);
    }
}
