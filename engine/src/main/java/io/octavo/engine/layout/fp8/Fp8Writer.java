package io.octavo.engine.layout.fp8;

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
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes {@code quant_method} {@code fp8}: scales per tensor as AutoFP8 did, or per block as DeepSeek does. */
public final class Fp8Writer implements LayoutWriter {

    private final StoredNumbers numbers;
    private final Optional<Granularity.PerBlock> block;
    private final boolean staticInputs;

    public Fp8Writer(StoredNumbers numbers) {
        this.numbers = numbers;
        Granularity granularity = numbers.weights().granularity();
        this.block = granularity instanceof Granularity.PerBlock size ? Optional.of(size) : Optional.empty();
        this.staticInputs = numbers.inputs().map(inputs -> !inputs.dynamic()).orElse(false);
        requireSuitable();
    }

    private void requireSuitable() {
        Quantization inputs = numbers.inputs()
                .orElseThrow(() -> ExactNumbers.unsuitable("layout fp8 has no weight-only form; the checkpoint has"
                        + " weights " + numbers.weights() + " and 16-bit inputs"));
        boolean inputsFit = block.map(size ->
                        inputs.equals(Quantization.dynamic(FloatType.E4M3, new Granularity.PerGroup(size.columns()))))
                .orElseGet(() -> inputs.equals(Quantization.stored(FloatType.E4M3, new Granularity.PerTensor()))
                        || inputs.equals(Quantization.dynamic(FloatType.E4M3, new Granularity.PerToken())));
        boolean weightsFit = numbers.weights().type() == FloatType.E4M3
                && (block.isPresent() || numbers.weights().granularity() instanceof Granularity.PerTensor);
        if (!weightsFit || !inputsFit) {
            throw ExactNumbers.unsuitable("layout fp8 holds E4M3 weights per tensor with inputs per tensor or token, or"
                    + " weights per block with dynamic inputs per group; the checkpoint has weights "
                    + numbers.weights()
                    + " and inputs " + inputs);
        }
        KvScaleTensors.requirePerTensor(numbers.kvCache());
        if (block.isPresent() && numbers.kvCache().isPresent()) {
            throw ExactNumbers.unsuitable("layout fp8 in blocks cannot hold scales of the KV cache");
        }
    }

    @Override
    public ObjectNode config() {
        ObjectNode config = JsonNodeFactory.instance.objectNode();
        config.put("quant_method", "fp8");
        if (block.isPresent()) {
            config.put("fmt", "e4m3").put("activation_scheme", "dynamic");
            config.putArray("weight_block_size")
                    .add(block.get().rows())
                    .add(block.get().columns());
            numbers.leftAlone().forEach(config.putArray("modules_to_not_convert")::add);
            return config;
        }
        config.put("activation_scheme", staticInputs ? "static" : "dynamic");
        numbers.leftAlone().forEach(config.putArray("ignored_layers")::add);
        if (numbers.kvCache().isPresent()) {
            config.put("kv_cache_scheme", "static");
        }
        return config;
    }

    @Override
    public SequencedMap<String, ObjectNode> files() {
        return new LinkedHashMap<>();
    }

    @Override
    public List<TensorSpec> tensors(QuantizedLinear linear) {
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        var tensors = new ArrayList<TensorSpec>();
        tensors.add(new TensorSpec(
                prefix + QuantizationParameters.WEIGHT, DType.F8_E4M3, weight.outFeatures(), weight.inFeatures()));
        block.ifPresentOrElse(
                size -> tensors.add(new TensorSpec(
                        prefix + QuantizationParameters.WEIGHT_SCALE_INV,
                        DType.F32,
                        Math.ceilDiv(weight.outFeatures(), size.rows()),
                        weight.groups())),
                () -> tensors.add(new TensorSpec(prefix + QuantizationParameters.WEIGHT_SCALE, DType.F32)));
        if (staticInputs) {
            tensors.add(new TensorSpec(prefix + QuantizationParameters.INPUT_SCALE, DType.F32));
        }
        return tensors;
    }

    @Override
    public List<TensorSpec> kvCacheTensors() {
        return KvScaleTensors.specs(numbers.kvCache(), KvScaleTensors.BESIDE_ATTENTION, DType.F32);
    }

    @Override
    public void write(QuantizedLinear linear, TensorSink sink) {
        QuantizedWeight weight = linear.weight();
        String prefix = linear.module() + ".";
        CodeTensors.writeBytes(weight, prefix + QuantizationParameters.WEIGHT, sink);
        if (block.isPresent()) {
            String tensor = prefix + QuantizationParameters.WEIGHT_SCALE_INV;
            float[] scales = RowChunks.blockScales(weight, block.get());
            sink.write(tensor, 0, ExactNumbers.encode(scales, scales.length, DType.F32, tensor));
        } else {
            String tensor = prefix + QuantizationParameters.WEIGHT_SCALE;
            sink.write(tensor, 0, ExactNumbers.encode(RowChunks.tensorScale(weight), DType.F32, tensor));
        }
        if (staticInputs) {
            String tensor = prefix + QuantizationParameters.INPUT_SCALE;
            sink.write(tensor, 0, ExactNumbers.encode(linear.storedInputScale(), DType.F32, tensor));
        }
    }

    @Override
    public void writeKvCache(TensorSink sink) {
        KvScaleTensors.write(numbers.kvCache(), KvScaleTensors.BESIDE_ATTENTION, DType.F32, sink);
    }
}
