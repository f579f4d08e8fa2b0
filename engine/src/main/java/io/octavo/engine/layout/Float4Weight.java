package io.octavo.engine.layout;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * An NVFP4 weight: two E2M1 codes a byte, the even column in the low nibble.
 *
 * @param packed {@code [outFeatures, inFeatures / 2]}, U8
 * @param scales F8_E4M3, {@code [outFeatures, groups]}
 * @param globalScale what every scale is multiplied by
 */
record Float4Weight(Tensor packed, long inFeatures, ScaleGrid scales, float globalScale) implements QuantizedWeight {

    @Override
    public long outFeatures() {
        return packed.shape().getFirst();
    }

    @Override
    public Quantization quantization() {
        int size = Math.toIntExact(inFeatures / Math.max(scales.columns(), 1));
        return Quantization.stored(NumberType.FloatType.E2M1, new Granularity.PerTensorGroup(size))
                .withScales(ScaleType.E4M3);
    }

    @Override
    public DType scaleDtype() {
        return scales.tensor().dtype();
    }

    @Override
    public int groups() {
        return scales.columns();
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        MemorySegment segment = packed.segment();
        long first = from * inFeatures / 2;
        int bytes = Math.toIntExact((to - from) * inFeatures / 2);
        for (int i = 0; i < bytes; i++) {
            int pair = segment.get(ValueLayout.JAVA_BYTE, first + i) & 0xFF;
            target[2 * i] = (byte) (pair & 0xF);
            target[2 * i + 1] = (byte) (pair >>> 4);
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

    /** A group of zeros may have a zero scale; NaN and negative ones are no scales. */
    void requireScales() {
        long count = scales.count();
        for (long i = 0; i < count; i++) {
            float value = scales.number(i);
            if (!(value >= 0)) {
                throw StrictObject.unsupported("tensor " + scales.tensor().name() + " holds " + value + " at " + i
                        + "; scales are finite and not negative");
            }
        }
    }
}
