package io.octavo.engine.solve;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.modify.SolvedCodes;
import io.octavo.engine.safetensors.SafetensorsFile;
import io.octavo.engine.safetensors.SafetensorsWriter;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.solve.scale.TileScales;
import io.octavo.engine.solve.scale.WeightFormat;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.number.ScaleFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Weights of one layer whose codes were solved, in a safetensors file, each tensor in the form that is stored at last. */
public final class SolvedFile implements AutoCloseable {

    private static final String CODES = ".codes";
    private static final String SCALES = ".scales";
    private static final String ZERO_POINTS = ".zero_points";
    private static final String ABSMAX = ".absmax";

    /** The bias of an exponent that E8M0 stores. */
    private static final int BIAS = 127;

    private final SafetensorsFile file;
    private final Map<String, SolvableWeight> weights = new LinkedHashMap<>();

    private SolvedFile(SafetensorsFile file, List<SolvableWeight> weights) {
        this.file = file;
        weights.forEach(weight -> this.weights.put(weight.module(), weight));
    }

    /**
     * Writes a file and forces it to disk.
     *
     * @param solved of every weight
     */
    public static void write(Path path, List<SolvableWeight> weights, Map<String, SolvedWeight> solved) {
        List<TensorSpec> specs =
                weights.stream().flatMap(weight -> specs(weight).stream()).toList();
        try (SafetensorsWriter writer = SafetensorsWriter.create(path, specs)) {
            for (SolvableWeight weight : weights) {
                String module = weight.module();
                SolvedWeight found = Objects.requireNonNull(solved.get(module));
                writer.write(module + CODES, 0, ByteBuffer.wrap(found.codes()));
                writer.write(
                        module + SCALES,
                        0,
                        bytes(found.scales().scales(), found.format().scaleType()));
                writer.write(
                        module + ABSMAX, 0, bytes(new float[] {found.format().absmax()}, DType.F32));
                if (!weight.quantization().symmetric()) {
                    writer.write(
                            module + ZERO_POINTS,
                            0,
                            ByteBuffer.wrap(found.scales().zeroPoints()));
                }
            }
            writer.seal();
        }
    }

    private static List<TensorSpec> specs(SolvableWeight weight) {
        WeightFormat format = weight.format(0);
        long tilesDown = format.tilesDown(weight.outFeatures());
        long rowBytes = weight.codes().rowBytes(weight.inFeatures());
        var specs = new ArrayList<TensorSpec>();
        specs.add(new TensorSpec(weight.module() + CODES, DType.U8, weight.outFeatures(), rowBytes));
        specs.add(new TensorSpec(weight.module() + SCALES, format.scaleType(), tilesDown, format.groups()));
        specs.add(new TensorSpec(weight.module() + ABSMAX, DType.F32, 1));
        if (!weight.quantization().symmetric()) {
            specs.add(new TensorSpec(weight.module() + ZERO_POINTS, DType.I8, tilesDown, format.groups()));
        }
        return specs;
    }

    /**
     * @param expected what the file must hold
     * @throws QuantizationException {@code CHECKPOINT_SHAPE_MISMATCH} if it does not, or what a broken file leads to
     */
    public static SolvedFile open(Path path, List<SolvableWeight> expected) {
        SafetensorsFile file = SafetensorsFile.open(path);
        for (SolvableWeight weight : expected) {
            for (TensorSpec spec : specs(weight)) {
                TensorInfo found = file.header().tensors().get(spec.name());
                if (found == null || !found.spec().equals(spec)) {
                    file.close();
                    throw new QuantizationException(
                            ErrorCode.CHECKPOINT_SHAPE_MISMATCH,
                            path.getFileName() + " does not hold " + spec + ", as the layer's weights must be");
                }
            }
        }
        return new SolvedFile(file, expected);
    }

    /** By module, mapped; until this is closed. */
    public Map<String, SolvedCodes> codes() {
        var codes = new LinkedHashMap<String, SolvedCodes>();
        weights.forEach((module, weight) -> codes.put(
                module,
                new SolvedCodes(
                        segment(module + CODES),
                        segment(module + SCALES),
                        weight.quantization().symmetric() ? SolvedCodes.noZeroPoints() : segment(module + ZERO_POINTS),
                        format(weight).divisor(),
                        false)));
        return codes;
    }

    private WeightFormat format(SolvableWeight weight) {
        float absmax = segment(weight.module() + ABSMAX).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
        return weight.format(absmax);
    }

    private MemorySegment segment(String tensor) {
        return file.segment(file.header().tensor(tensor));
    }

    /** By module, in memory of their own. */
    public Map<String, SolvedWeight> read() {
        var read = new LinkedHashMap<String, SolvedWeight>();
        weights.forEach((module, weight) -> {
            WeightFormat format = format(weight);
            byte[] codes = segment(module + CODES).toArray(ValueLayout.JAVA_BYTE);
            float[] scales = numbers(segment(module + SCALES), format.scaleType());
            byte[] zeroPoints = weight.quantization().symmetric()
                    ? new byte[0]
                    : segment(module + ZERO_POINTS).toArray(ValueLayout.JAVA_BYTE);
            read.put(
                    module,
                    new SolvedWeight(
                            format, weight.codes(), weight.outFeatures(), codes, new TileScales(scales, zeroPoints)));
        });
        return read;
    }

    private static ByteBuffer bytes(float[] scales, DType type) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(scales.length, type.bytes()))
                .order(ByteOrder.LITTLE_ENDIAN);
        for (float scale : scales) {
            switch (type) {
                case BF16 -> bytes.putShort(BFloat16.fromFloat(scale));
                case F16 -> bytes.putShort(Float.floatToFloat16(scale));
                case F32 -> bytes.putFloat(scale);
                case F8_E4M3 -> bytes.put(Float8.toE4m3(scale));
                case U8 -> bytes.put((byte) (Math.getExponent(scale) + BIAS));
                default -> throw new IllegalArgumentException("no scales in " + type);
            }
        }
        return bytes.flip();
    }

    private static float[] numbers(MemorySegment stored, DType type) {
        float[] numbers = new float[Math.toIntExact(stored.byteSize() / type.bytes())];
        for (int i = 0; i < numbers.length; i++) {
            numbers[i] = switch (type) {
                case BF16 -> BFloat16.toFloat(stored.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
                case F16 -> Float.float16ToFloat(stored.get(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i));
                case F32 -> stored.get(ValueLayout.JAVA_FLOAT_UNALIGNED, 4L * i);
                case F8_E4M3 -> Float8.fromE4m3(stored.get(ValueLayout.JAVA_BYTE, i));
                case U8 -> ScaleFormat.power(Byte.toUnsignedInt(stored.get(ValueLayout.JAVA_BYTE, i)) - BIAS);
                default -> throw new IllegalArgumentException("no scales in " + type);
            };
        }
        return numbers;
    }

    @Override
    public void close() {
        file.close();
    }
}
