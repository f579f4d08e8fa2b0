package io.octavo.engine.layout.compressed;

import io.octavo.engine.layout.config.QuantizationArgs;
import io.octavo.engine.layout.weight.CodeTensors;
import io.octavo.engine.layout.weight.ExactNumbers;
import io.octavo.engine.layout.weight.KvScaleTensors;
import io.octavo.engine.layout.weight.LayoutWriter;
import io.octavo.engine.layout.weight.QuantizationParameters;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedWeight;
import io.octavo.engine.layout.weight.RowChunks;
import io.octavo.engine.layout.weight.StoredNumbers;
import io.octavo.engine.layout.weight.TensorSink;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Writes what other layouts hold as compressed-tensors does. */
public final class CompressedTensorsWriter implements LayoutWriter {

    private static final String WEIGHT_PACKED = "weight_packed";
    private static final String WEIGHT_SHAPE = "weight_shape";
    private static final String WEIGHT_ZERO_POINT = "weight_zero_point";
    private static final String WEIGHT_GROUP_INDEX = "weight_g_idx";
    private static final String WEIGHT_GLOBAL_SCALE = "weight_global_scale";
    private static final String INPUT_GLOBAL_SCALE = "input_global_scale";

    private final StoredNumbers numbers;
    private final Form form;
    private final int bits;

    /** How codes lie in the file. */
    private enum Form {
        /** Two's complement or E4M3, a byte each. */
        BYTES,
        /** Unsigned integers in 32-bit words along the inputs. */
        WORDS,
        /** NVFP4: E2M1 in pairs. */
        PAIRS
    }

    public CompressedTensorsWriter(StoredNumbers numbers) {
        this.numbers = numbers;
        this.bits = numbers.weights().type().bits();
        this.form = form(numbers);
    }

    private static Form form(StoredNumbers numbers) {
        return switch (numbers.weights().type()) {
            case NumberType.IntType integers -> {
                if (integers.bits() != 4 && integers.bits() != 8) {
                    throw ExactNumbers.unsuitable("compressed-tensors is written with integers of 4 or 8 bits; the"
                            + " checkpoint has " + integers.bits());
                }
                yield numbers.inputs().isEmpty() ? Form.WORDS : Form.BYTES;
            }
            case NumberType.FloatType floats -> floats.bits() == Byte.SIZE ? Form.BYTES : Form.PAIRS;
        };
    }

    @Override
    public ObjectNode config() {
        var scheme = new Scheme("converted", numbers.weights(), numbers.inputs());
        ObjectNode config = CompressedTensors.config(scheme, numbers.leftAlone());
        if (numbers.actOrder()) {
            JsonNode weights = config.path("config_groups").path("group_0").path("weights");
            ((ObjectNode) weights).put("actorder", "group");
        }
        numbers.kvCache()
                .ifPresent(cache ->
                        config.set("kv_cache_scheme", QuantizationArgs.write(cache.quantization(), "static_minmax")));
        return config;
    }

    @Override
    public SequencedMap<String, ObjectNode> files() {
        return new LinkedHashMap<>();
    }

    private boolean hasInputScale() {
        return numbers.inputs().map(inputs -> !inputs.dynamic()).orElse(false);
    }

    @Override
    public List<TensorSpec> tensors(QuantizedLinear linear) {
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        long rows = weight.outFeatures();
        long columns = weight.inFeatures();
        var tensors = new ArrayList<TensorSpec>();
        switch (form) {
            case BYTES -> {
                DType codes = numbers.weights().type() instanceof NumberType.IntType ? DType.I8 : DType.F8_E4M3;
                tensors.add(new TensorSpec(prefix + QuantizationParameters.WEIGHT, codes, rows, columns));
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT_SCALE, numbers.scaleType(), scaleShape(weight)));
                if (hasInputScale()) {
                    tensors.add(new TensorSpec(prefix + QuantizationParameters.INPUT_SCALE, numbers.scaleType(), 1));
                }
            }
            case WORDS -> {
                tensors.add(new TensorSpec(prefix + WEIGHT_PACKED, DType.I32, rows, wordsOf(columns)));
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT_SCALE, numbers.scaleType(), scaleShape(weight)));
                tensors.add(new TensorSpec(prefix + WEIGHT_SHAPE, DType.I64, 2));
                if (!numbers.weights().symmetric()) {
                    tensors.add(new TensorSpec(prefix + WEIGHT_ZERO_POINT, DType.I32, wordsOf(rows), weight.groups()));
                }
                if (weight.groupIndex().isPresent()) {
                    tensors.add(new TensorSpec(prefix + WEIGHT_GROUP_INDEX, DType.I32, columns));
                }
            }
            case PAIRS -> {
                tensors.add(new TensorSpec(prefix + WEIGHT_PACKED, DType.U8, rows, columns / 2));
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT_SCALE, DType.F8_E4M3, rows, weight.groups()));
                tensors.add(new TensorSpec(prefix + WEIGHT_GLOBAL_SCALE, DType.F32, 1));
                if (numbers.inputs().isPresent()) {
                    tensors.add(new TensorSpec(prefix + INPUT_GLOBAL_SCALE, DType.F32, 1));
                }
            }
        }
        return tensors;
    }

    private long wordsOf(long codes) {
        return Math.ceilDiv(codes * bits, Integer.SIZE);
    }

    private long[] scaleShape(QuantizedWeight weight) {
        return switch (numbers.weights().granularity()) {
            case Granularity.PerTensor tensor -> new long[] {1};
            case Granularity.PerBlock block ->
                new long[] {Math.ceilDiv(weight.outFeatures(), block.rows()), weight.groups()};
            case Granularity.PerChannel channel -> new long[] {weight.outFeatures(), weight.groups()};
            case Granularity.PerGroup group -> new long[] {weight.outFeatures(), weight.groups()};
            case Granularity.PerTensorGroup group -> new long[] {weight.outFeatures(), weight.groups()};
            case Granularity.PerToken token -> throw new IllegalStateException("weights have no tokens");
            case Granularity.PerHead head -> throw new IllegalStateException("weights have no heads");
        };
    }

    @Override
    public List<TensorSpec> kvCacheTensors() {
        return KvScaleTensors.specs(numbers.kvCache(), KvScaleTensors.BESIDE_ATTENTION, numbers.scaleType(), 1);
    }

    @Override
    public void write(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        switch (form) {
            case BYTES -> {
                CodeTensors.writeBytes(weight, prefix + QuantizationParameters.WEIGHT, sink);
                writeScales(weight, prefix, numbers.scaleType(), sink);
                if (hasInputScale()) {
                    String tensor = prefix + QuantizationParameters.INPUT_SCALE;
                    sink.write(tensor, 0, ExactNumbers.encode(linear.storedInputScale(), numbers.scaleType(), tensor));
                }
            }
            case WORDS -> {
                writeWords(weight, prefix + WEIGHT_PACKED, sink);
                writeScales(weight, prefix, numbers.scaleType(), sink);
                ByteBuffer shape = ExactNumbers.buffer(2 * Long.BYTES)
                        .putLong(weight.outFeatures())
                        .putLong(weight.inFeatures());
                sink.write(prefix + WEIGHT_SHAPE, 0, shape.flip());
                if (!numbers.weights().symmetric()) {
                    writeZeroPoints(weight, prefix + WEIGHT_ZERO_POINT, sink);
                }
                weight.groupIndex().ifPresent(index -> {
                    ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(index.length, Integer.BYTES));
                    bytes.asIntBuffer().put(index);
                    sink.write(prefix + WEIGHT_GROUP_INDEX, 0, bytes);
                });
            }
            case PAIRS -> {
                CodeTensors.writePairs(weight, prefix + WEIGHT_PACKED, sink);
                writeScales(weight, prefix, DType.F8_E4M3, sink);
                writeReciprocal(weight.globalScale(), prefix + WEIGHT_GLOBAL_SCALE, sink);
                if (numbers.inputs().isPresent()) {
                    writeReciprocal(linear.storedInputScale(), prefix + INPUT_GLOBAL_SCALE, sink);
                }
            }
        }
    }

    private void writeScales(QuantizedWeight weight, String prefix, DType dtype, TensorSink sink) {
        String tensor = prefix + QuantizationParameters.WEIGHT_SCALE;
        float[] scales = switch (numbers.weights().granularity()) {
            case Granularity.PerTensor perTensor -> new float[] {RowChunks.tensorScale(weight)};
            case Granularity.PerBlock block -> RowChunks.blockScales(weight, block);
            default -> RowChunks.scales(weight);
        };
        sink.write(tensor, 0, ExactNumbers.encode(scales, scales.length, dtype, tensor));
    }

    /** Unsigned codes along the inputs, the first in the lowest bits; rows end with whole words. */
    private void writeWords(QuantizedWeight weight, String tensor, TensorSink sink) {
        int columns = Math.toIntExact(weight.inFeatures());
        int perWord = Integer.SIZE / bits;
        int wordsARow = Math.toIntExact(wordsOf(columns));
        int middle = 1 << (bits - 1);
        RowChunks.codes(weight, (from, to, codes) -> {
            int rows = Math.toIntExact(to - from);
            ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(rows * wordsARow, Integer.BYTES));
            for (int row = 0; row < rows; row++) {
                for (int first = 0; first < columns; first += perWord) {
                    int word = 0;
                    int count = Math.min(perWord, columns - first);
                    for (int place = 0; place < count; place++) {
                        word |= (codes[row * columns + first + place] + middle) << (place * bits);
                    }
                    bytes.putInt(word);
                }
            }
            sink.write(tensor, from * wordsARow * Integer.BYTES, bytes.flip());
        });
    }

    /** Unsigned zero points, in words along the outputs. */
    private void writeZeroPoints(QuantizedWeight weight, String tensor, TensorSink sink) {
        byte[] zeroPoints = RowChunks.zeroPoints(weight);
        int groups = weight.groups();
        int outputs = Math.toIntExact(weight.outFeatures());
        int perWord = Integer.SIZE / bits;
        int middle = 1 << (bits - 1);
        int[] words = new int[Math.multiplyExact(Math.toIntExact(wordsOf(outputs)), groups)];
        for (int output = 0; output < outputs; output++) {
            for (int group = 0; group < groups; group++) {
                int unsigned = zeroPoints[output * groups + group] + middle;
                words[output / perWord * groups + group] |= unsigned << (output % perWord * bits);
            }
        }
        ByteBuffer bytes = ExactNumbers.buffer(Math.multiplyExact(words.length, Integer.BYTES));
        bytes.asIntBuffer().put(words);
        sink.write(tensor, 0, bytes);
    }

    /** Global scales are stored as divisors here. */
    private static void writeReciprocal(float multiplier, String tensor, TensorSink sink) {
        sink.write(tensor, 0, ExactNumbers.encode(divisor(multiplier, tensor), DType.F32, tensor));
    }

    /**
     * The divisor whose reciprocal is exactly the multiplier; of several, the roundest, which is what quantizers compute
     * from 16-bit maxima.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} where f32 has none
     */
    static float divisor(float multiplier, String tensor) {
        float nearest = 1 / multiplier;
        float best = Float.NaN;
        for (float candidate : new float[] {Math.nextDown(nearest), nearest, Math.nextUp(nearest)}) {
            boolean exact = 1 / candidate == multiplier && candidate < Float.POSITIVE_INFINITY;
            if (exact && (Float.isNaN(best) || roundness(candidate) > roundness(best))) {
                best = candidate;
            }
        }
        if (Float.isNaN(best)) {
            throw ExactNumbers.unsuitable("tensor " + tensor + ": no F32 divisor has the reciprocal " + multiplier
                    + ", so the global scale cannot be stored without changing it");
        }
        return best;
    }

    private static int roundness(float value) {
        return Integer.numberOfTrailingZeros(Float.floatToRawIntBits(value));
    }

    @Override
    public void writeKvCache(TensorSink sink) {
        KvScaleTensors.write(numbers.kvCache(), KvScaleTensors.BESIDE_ATTENTION, numbers.scaleType(), sink);
    }
}
