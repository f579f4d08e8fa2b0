package io.octavo.engine.layout.modelopt;

import io.octavo.engine.layout.config.Layout;
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
import io.octavo.engine.scheme.NumberType.FloatType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.ScaleType;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes ModelOpt's FP8 and NVFP4, declared in config.json and in hf_quant_config.json. */
public final class ModelOptWriter implements LayoutWriter {

    /** Where ModelOpt declares what config.json does not mention. */
    public static final String FILE = "hf_quant_config.json";

    private static final int NVFP4_GROUP = 16;

    /** The version whose spelling is followed. */
    private static final String PRODUCER_VERSION = "0.39.0";

    private static final Quantization FP8_TENSOR = Quantization.stored(FloatType.E4M3, new Granularity.PerTensor());
    private static final Quantization FP8_CHANNEL = Quantization.stored(FloatType.E4M3, new Granularity.PerChannel());
    private static final Quantization FP8_TOKEN = Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken());
    private static final Quantization NVFP4 = Quantization.stored(
                    FloatType.E2M1, new Granularity.PerTensorGroup(NVFP4_GROUP))
            .withScales(ScaleType.E4M3);

    private final StoredNumbers numbers;
    private final Algorithm algorithm;

    private enum Algorithm {
        FP8,
        FP8_PER_CHANNEL_PER_TOKEN,
        NVFP4,
        W4A16_NVFP4
    }

    public ModelOptWriter(StoredNumbers numbers) {
        this.numbers = numbers;
        this.algorithm = algorithm(numbers);
        KvScaleTensors.requirePerTensor(numbers.kvCache());
    }

    private static Algorithm algorithm(StoredNumbers numbers) {
        Quantization weights = numbers.weights();
        if (weights.equals(FP8_TENSOR)
                && numbers.inputs().filter(FP8_TENSOR::equals).isPresent()) {
            return Algorithm.FP8;
        }
        if (weights.equals(FP8_CHANNEL)
                && numbers.inputs().filter(FP8_TOKEN::equals).isPresent()) {
            return Algorithm.FP8_PER_CHANNEL_PER_TOKEN;
        }
        if (weights.equals(NVFP4)) {
            return numbers.inputs().isPresent() ? Algorithm.NVFP4 : Algorithm.W4A16_NVFP4;
        }
        throw ExactNumbers.unsuitable(
                "layout modelopt holds static FP8 per tensor, FP8 per channel and token, and NVFP4;"
                        + " the checkpoint has weights " + weights
                        + numbers.inputs()
                                .map(inputs -> " and inputs " + inputs)
                                .orElse(" and 16-bit inputs"));
    }

    @Override
    public ObjectNode config() {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        numbers.leftAlone().forEach(config.putArray("ignore")::add);
        config.put("quant_algo", algorithm.name());
        if (isFloat4()) {
            config.put("group_size", NVFP4_GROUP);
        }
        if (numbers.kvCache().isPresent()) {
            config.putObject("kv_cache_scheme")
                    .put("dynamic", false)
                    .put("num_bits", Byte.SIZE)
                    .put("type", "float");
        }
        config.set("producer", producer());
        config.put("quant_method", "modelopt");
        return config;
    }

    private static ObjectNode producer() {
        return JsonNodeFactory.instance.objectNode().put("name", "modelopt").put("version", PRODUCER_VERSION);
    }

    @Override
    public SequencedMap<String, ObjectNode> files() {
        ObjectNode file = JsonNodeFactory.instance.objectNode();
        file.set("producer", producer());
        ObjectNode quantization = file.putObject("quantization").put("quant_algo", algorithm.name());
        if (numbers.kvCache().isPresent()) {
            quantization.put("kv_cache_quant_algo", "FP8");
        } else {
            quantization.putNull("kv_cache_quant_algo");
        }
        if (isFloat4()) {
            quantization.put("group_size", NVFP4_GROUP);
        } else {
            quantization.putNull("group_size");
        }
        numbers.leftAlone().forEach(quantization.putArray("exclude_modules")::add);
        var files = new LinkedHashMap<String, ObjectNode>();
        files.put(FILE, file);
        return files;
    }

    private boolean isFloat4() {
        return algorithm == Algorithm.NVFP4 || algorithm == Algorithm.W4A16_NVFP4;
    }

    private boolean hasInputScale() {
        return algorithm == Algorithm.FP8 || algorithm == Algorithm.NVFP4;
    }

    @Override
    public List<TensorSpec> tensors(QuantizedLinear linear) {
        numbers.requireNotExcluded(linear.module(), Layout.MODELOPT);
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        long rows = weight.outFeatures();
        var tensors = new ArrayList<TensorSpec>();
        switch (algorithm) {
            case FP8, FP8_PER_CHANNEL_PER_TOKEN -> {
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT, DType.F8_E4M3, rows, weight.inFeatures()));
                long[] shape = algorithm == Algorithm.FP8 ? new long[0] : new long[] {rows};
                tensors.add(new TensorSpec(prefix + QuantizationParameters.WEIGHT_SCALE, DType.F32, shape));
            }
            case NVFP4, W4A16_NVFP4 -> {
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT, DType.U8, rows, weight.inFeatures() / 2));
                tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT_SCALE, DType.F8_E4M3, rows, weight.groups()));
                tensors.add(new TensorSpec(prefix + QuantizationParameters.WEIGHT_SCALE_2, DType.F32));
            }
        }
        if (hasInputScale()) {
            tensors.add(new TensorSpec(prefix + QuantizationParameters.INPUT_SCALE, DType.F32));
        }
        return tensors;
    }

    @Override
    public List<TensorSpec> kvCacheTensors() {
        return KvScaleTensors.specs(numbers.kvCache(), KvScaleTensors.BESIDE_PROJECTIONS, DType.F32);
    }

    @Override
    public void write(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        String scale = prefix + QuantizationParameters.WEIGHT_SCALE;
        switch (algorithm) {
            case FP8 -> {
                CodeTensors.writeBytes(weight, prefix + QuantizationParameters.WEIGHT, sink);
                sink.write(scale, 0, ExactNumbers.encode(RowChunks.tensorScale(weight), DType.F32, scale));
            }
            case FP8_PER_CHANNEL_PER_TOKEN -> {
                CodeTensors.writeBytes(weight, prefix + QuantizationParameters.WEIGHT, sink);
                float[] scales = RowChunks.scales(weight);
                sink.write(scale, 0, ExactNumbers.encode(scales, scales.length, DType.F32, scale));
            }
            case NVFP4, W4A16_NVFP4 -> {
                CodeTensors.writePairs(weight, prefix + QuantizationParameters.WEIGHT, sink);
                float[] scales = RowChunks.scales(weight);
                sink.write(scale, 0, ExactNumbers.encode(scales, scales.length, DType.F8_E4M3, scale));
                String global = prefix + QuantizationParameters.WEIGHT_SCALE_2;
                sink.write(global, 0, ExactNumbers.encode(weight.globalScale(), DType.F32, global));
            }
        }
        if (hasInputScale()) {
            String input = prefix + QuantizationParameters.INPUT_SCALE;
            sink.write(input, 0, ExactNumbers.encode(linear.storedInputScale(), DType.F32, input));
        }
    }

    @Override
    public void writeKvCache(TensorSink sink) {
        KvScaleTensors.write(numbers.kvCache(), KvScaleTensors.BESIDE_PROJECTIONS, DType.F32, sink);
    }
}
