package io.octavo.engine.transformer.weight;

import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float4;
import io.octavo.kernels.number.Float8;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;

/**
 * Brings a quantized weight to the device in a form that a product takes: 8-bit codes with F32 scales where that loses
 * nothing, F32 numbers otherwise; or codes of 4 bits as they are, where a backend wants them.
 *
 * <p>Zero points are subtracted from integer codes, and E2M1 codes become the E4M3 codes of the same numbers. What takes
 * F32 is rare: groups of unequal size, act-order groups, 8-bit codes with zero points.
 */
final class WeightPlacement {

    private static final byte[] E4M3_OF_E2M1 = new byte[16];

    static {
        for (int code = 0; code < E4M3_OF_E2M1.length; code++) {
            E4M3_OF_E2M1[code] = Float8.toE4m3(Float4.fromE2m1(code));
        }
    }

    /** What {@code PackedMatMul} takes: multiples for a row and for a group, and what codes are greater by. */
    private static final int PACKED_ROW = 32;

    private static final int PACKED_GROUP = 16;

    private final QuantizedWeight weight;
    private final LinearReader.Placer placer;
    private final int columns;
    private final int groups;

    WeightPlacement(QuantizedWeight weight, LinearReader.Placer placer) {
        this.weight = weight;
        this.placer = placer;
        this.columns = Math.toIntExact(weight.inFeatures());
        this.groups = weight.groups();
    }

    LinearWeight place() {
        if (!fitsCodes()) {
            Matrix numbers = placer.fill(DType.F32, weight.outFeatures(), columns, this::writeNumbers);
            return new LinearWeight.Scaled(ScaledMatrix.plain(numbers));
        }
        return new LinearWeight.Scaled(new ScaledMatrix(codes(), scales(scaleRows())));
    }

    /** Whether codes have 4 bits without zero points, and groups are such as {@link LinearWeight.Packed} takes. */
    boolean fitsPacked() {
        return weight.quantization().type().equals(new NumberType.IntType(Byte.SIZE / 2))
                && weight.quantization().symmetric()
                && weight.groupIndex().isEmpty()
                && columns % PACKED_ROW == 0
                && columns % groups == 0
                && columns / groups % PACKED_GROUP == 0;
    }

    LinearWeight placePacked() {
        Matrix codes = placer.fill(DType.U8, weight.outFeatures(), columns / 2, weight::readPacked);
        return new LinearWeight.Packed(codes, scales(weight.outFeatures()));
    }

    private boolean fitsCodes() {
        boolean fitsByte = weight.quantization().symmetric() || bits() < Byte.SIZE;
        return weight.groupIndex().isEmpty() && columns % groups == 0 && fitsByte;
    }

    private int bits() {
        return weight.quantization().type().bits();
    }

    private Matrix codes() {
        DType dtype = weight.quantization().type() instanceof NumberType.IntType ? DType.I8 : DType.F8_E4M3;
        return weight.plainCodes()
                .map(codes -> placer.place(codes, weight.outFeatures(), columns))
                .orElseGet(() -> placer.fill(dtype, weight.outFeatures(), columns, this::writeCodes));
    }

    private long scaleRows() {
        return weight.quantization().granularity() instanceof Granularity.PerTensor ? 1 : weight.outFeatures();
    }

    private Matrix scales(long rows) {
        return placer.fill(DType.F32, rows, groups, this::writeScales);
    }

    private void writeScales(long from, long to, MemorySegment target) {
        float[] scales = effectiveScales(from, to);
        MemorySegment.copy(scales, 0, target, ValueLayout.JAVA_FLOAT_UNALIGNED, 0, scales.length);
    }

    private float[] effectiveScales(long from, long to) {
        float[] scales = new float[Math.toIntExact((to - from) * groups)];
        weight.readScales(from, to, scales);
        float global = weight.globalScale();
        for (int i = 0; i < scales.length; i++) {
            scales[i] *= global;
        }
        return scales;
    }

    private void writeCodes(long from, long to, MemorySegment target) {
        byte[] codes = rawCodes(from, to);
        if (weight.quantization().type() == NumberType.FloatType.E2M1) {
            for (int i = 0; i < codes.length; i++) {
                codes[i] = E4M3_OF_E2M1[codes[i] & 0xF];
            }
        } else if (!weight.quantization().symmetric()) {
            byte[] zeroPoints = zeroPoints(from, to);
            int size = columns / groups;
            for (int i = 0; i < codes.length; i++) {
                codes[i] = (byte) (codes[i] - zeroPoints[i / size]);
            }
        }
        MemorySegment.copy(codes, 0, target, ValueLayout.JAVA_BYTE, 0, codes.length);
    }

    private byte[] rawCodes(long from, long to) {
        byte[] codes = new byte[Math.toIntExact((to - from) * columns)];
        weight.readCodes(from, to, codes);
        return codes;
    }

    private byte[] zeroPoints(long from, long to) {
        byte[] zeroPoints = new byte[Math.toIntExact((to - from) * groups)];
        weight.readZeroPoints(from, to, zeroPoints);
        return zeroPoints;
    }

    private void writeNumbers(long from, long to, MemorySegment target) {
        byte[] codes = rawCodes(from, to);
        float[] scales = effectiveScales(from, to);
        byte[] zeroPoints = zeroPoints(from, to);
        int[] groupOf = groupOfColumn();
        NumberType type = weight.quantization().type();
        for (int i = 0; i < codes.length; i++) {
            int group = i / columns * groups + groupOf[i % columns];
            float number = type.number(codes[i]) - zeroPoints[group];
            target.setAtIndex(ValueLayout.JAVA_FLOAT_UNALIGNED, i, number * scales[group]);
        }
    }

    private int[] groupOfColumn() {
        Optional<int[]> stored = weight.groupIndex();
        if (stored.isPresent()) {
            return stored.get();
        }
        int size = switch (weight.quantization().granularity()) {
            case Granularity.PerGroup group -> group.size();
            case Granularity.PerTensorGroup group -> group.size();
            case Granularity.PerBlock block -> block.columns();
            case Granularity.PerTensor tensor -> columns;
            case Granularity.PerChannel channel -> columns;
            case Granularity.PerToken token -> columns;
            case Granularity.PerHead head -> columns;
        };
        int[] groupOf = new int[columns];
        Arrays.setAll(groupOf, column -> column / size);
        return groupOf;
    }
}
