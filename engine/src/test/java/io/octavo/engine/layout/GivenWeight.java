package io.octavo.engine.layout;

import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;

/** A weight that a test writes down: the slow, obvious twin of every packed one. */
@SuppressWarnings("ArrayRecordComponent") // never compared, and a test may change them
public record GivenWeight(
        long outFeatures,
        long inFeatures,
        Quantization quantization,
        int groups,
        byte[] codes,
        float[] scales,
        byte[] zeroPoints,
        float globalScale,
        Optional<int[]> groupIndex)
        implements QuantizedWeight {

    /** Random codes; scales that every float type holds, powers of two for MX; zero points over the codes' whole range. */
    public static GivenWeight random(long outFeatures, long inFeatures, Quantization quantization, long seed) {
        var random = new SplittableRandom(seed);
        int groups = switch (quantization.granularity()) {
            case Granularity.PerGroup group -> (int) (inFeatures / group.size());
            case Granularity.PerTensorGroup group -> (int) (inFeatures / group.size());
            case Granularity.PerBlock block -> (int) Math.ceilDiv(inFeatures, (long) block.columns());
            default -> 1;
        };
        byte[] codes = new byte[(int) (outFeatures * inFeatures)];
        byte[] zeroPoints = new byte[(int) (outFeatures * groups)];
        float[] scales = new float[zeroPoints.length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = code(quantization.type(), random);
        }
        for (int i = 0; i < scales.length; i++) {
            int row = i / groups;
            int first = switch (quantization.granularity()) {
                case Granularity.PerTensor tensor -> 0;
                case Granularity.PerBlock block -> row / block.rows() * block.rows() * groups + i % groups;
                default -> i;
            };
            int eighths = quantization.scaleType() == ScaleType.E8M0 ? 0 : random.nextInt(8);
            scales[i] = first < i ? scales[first] : (1 + eighths / 8f) / (1 << random.nextInt(6));
            zeroPoints[i] = quantization.symmetric() ? 0 : code(quantization.type(), random);
        }
        return new GivenWeight(
                outFeatures, inFeatures, quantization, groups, codes, scales, zeroPoints, 1, Optional.empty());
    }

    private static byte code(NumberType type, SplittableRandom random) {
        return switch (type) {
            case NumberType.IntType integers ->
                (byte) (random.nextInt(1 << integers.bits()) - (1 << (integers.bits() - 1)));
            case NumberType.FloatType floats ->
                switch (floats) {
                    case E4M3 -> (byte) random.nextInt(0x7F);
                    case E2M1 -> (byte) random.nextInt(16);
                };
        };
    }

    public GivenWeight withGlobalScale(float scale) {
        return new GivenWeight(
                outFeatures, inFeatures, quantization, groups, codes, scales, zeroPoints, scale, groupIndex);
    }

    public GivenWeight withGroupIndex(int... index) {
        return new GivenWeight(
                outFeatures,
                inFeatures,
                quantization,
                groups,
                codes,
                scales,
                zeroPoints,
                globalScale,
                Optional.of(index));
    }

    public GivenWeight withScale(int at, float scale) {
        float[] changed = scales.clone();
        changed[at] = scale;
        return new GivenWeight(
                outFeatures, inFeatures, quantization, groups, codes, changed, zeroPoints, globalScale, groupIndex);
    }

    public GivenWeight withCodes(int... values) {
        byte[] changed = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            changed[i] = (byte) values[i];
        }
        return new GivenWeight(
                outFeatures, inFeatures, quantization, groups, changed, scales, zeroPoints, globalScale, groupIndex);
    }

    public GivenWeight withZeroPoint(int at, int zeroPoint) {
        byte[] changed = zeroPoints.clone();
        changed[at] = (byte) zeroPoint;
        return new GivenWeight(
                outFeatures, inFeatures, quantization, groups, codes, scales, changed, globalScale, groupIndex);
    }

    @Override
    public void readCodes(long from, long to, byte[] target) {
        System.arraycopy(codes, (int) (from * inFeatures), target, 0, (int) ((to - from) * inFeatures));
    }

    @Override
    public void readScales(long from, long to, float[] target) {
        System.arraycopy(scales, (int) from * groups, target, 0, (int) (to - from) * groups);
    }

    @Override
    public void readZeroPoints(long from, long to, byte[] target) {
        System.arraycopy(zeroPoints, (int) from * groups, target, 0, (int) (to - from) * groups);
    }

    /** Everything that a reader must give back. */
    public static String numbers(QuantizedWeight weight) {
        byte[] codes = new byte[(int) (weight.outFeatures() * weight.inFeatures())];
        byte[] zeroPoints = new byte[(int) (weight.outFeatures() * weight.groups())];
        float[] scales = new float[zeroPoints.length];
        // In two pieces, so that readers are asked for rows from the middle too.
        long middle = weight.outFeatures() / 2 + 1;
        weight.readCodes(0, weight.outFeatures(), codes);
        weight.readZeroPoints(0, weight.outFeatures(), zeroPoints);
        weight.readScales(0, weight.outFeatures(), scales);
        byte[] tail = new byte[(int) ((weight.outFeatures() - middle) * weight.inFeatures())];
        weight.readCodes(middle, weight.outFeatures(), tail);
        byte[] expectedTail = Arrays.copyOfRange(codes, (int) (middle * weight.inFeatures()), codes.length);
        return weight.outFeatures() + " x " + weight.inFeatures() + ", "
                + weight.quantization().type() + " "
                + weight.quantization().granularity() + ", " + weight.groups() + " groups, codes "
                + Arrays.toString(codes) + ", tail " + Arrays.equals(tail, expectedTail) + ", zero points "
                + Arrays.toString(zeroPoints) + ", scales "
                + Arrays.toString(scales) + ", global " + weight.globalScale() + ", index "
                + weight.groupIndex().map(Arrays::toString);
    }
}
