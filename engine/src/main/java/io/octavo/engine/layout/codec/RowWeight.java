package io.octavo.engine.layout.codec;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.ScaleGrid;
import io.octavo.engine.scheme.Quantization;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;

/**
 * A symmetric weight whose codes lie row after row.
 *
 * @param codes {@code [outFeatures, inFeatures]} F8_E4M3 or I8, or {@code [outFeatures, inFeatures / 2]} U8: two codes a
 *     byte, the even input channel in the low nibble
 * @param globalScale what every scale is multiplied by
 */
record RowWeight(Tensor codes, Quantization quantization, ScaleGrid scales, float globalScale)
        implements QuantizedWeight {

    private boolean inPairs() {
        return codes.dtype() == DType.U8;
    }

    private long rowBytes() {
        return codes.shape().getLast();
    }

    @Override
    public long outFeatures() {
        return codes.shape().getFirst();
    }

    @Override
    public long inFeatures() {
        return inPairs() ? 2 * rowBytes() : rowBytes();
    }

    @Override
    public int groups() {
        return scales.columns();
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        MemorySegment segment = codes.segment();
        if (!inPairs()) {
            int count = Math.toIntExact((to - from) * rowBytes());
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, from * rowBytes(), target, 0, count);
            return;
        }
        int at = 0;
        for (long i = from * rowBytes(); i < to * rowBytes(); i++) {
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
    public Optional<Tensor> plainCodes() {
        return inPairs() ? Optional.empty() : Optional.of(codes);
    }
}
