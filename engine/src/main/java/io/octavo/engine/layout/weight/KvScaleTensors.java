package io.octavo.engine.layout.weight;

import io.octavo.engine.layout.config.Layout;
import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * Spells KV cache scales per tensor.
 *
 * @param keys what follows a layer's number
 * @param shape of every scale: {@code []} or {@code [1]}
 */
public record KvScaleTensors(
        Optional<KvCacheScales> scales, String keys, String values, DType dtype, List<Long> shape) {

    private static final String KEYS = ".self_attn.k_scale";
    private static final String VALUES = ".self_attn.v_scale";

    /**
     * As a layout names them.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} if it cannot hold them
     */
    public static KvScaleTensors of(Layout layout, StoredNumbers numbers) {
        boolean blocks = numbers.weights().granularity() instanceof Granularity.PerBlock;
        return switch (layout) {
            case COMPRESSED_TENSORS ->
                new KvScaleTensors(numbers.kvCache(), KEYS, VALUES, numbers.scaleType(), List.of(1L));
            case FP8 -> {
                if (blocks && numbers.kvCache().isPresent()) {
                    throw ExactNumbers.unsuitable("layout fp8 in blocks cannot hold scales of the KV cache");
                }
                yield multipliers(numbers, KEYS, VALUES);
            }
            case AWQ, GPTQ, GPTQ_V2 -> {
                if (numbers.kvCache().isPresent()) {
                    throw ExactNumbers.unsuitable("layout " + layout.id() + " cannot hold scales of the KV cache");
                }
                yield multipliers(numbers, KEYS, VALUES);
            }
            case MODELOPT -> multipliers(numbers, ".self_attn.k_proj.k_scale", ".self_attn.v_proj.v_scale");
        };
    }

    private static KvScaleTensors multipliers(StoredNumbers numbers, String keys, String values) {
        boolean integers = numbers.kvCache()
                .filter(kv -> kv.quantization().type() instanceof NumberType.IntType)
                .isPresent();
        if (integers) {
            throw ExactNumbers.unsuitable("scales of a KV cache of integers can be held by compressed-tensors only");
        }
        boolean perTensor = numbers.kvCache()
                .map(kv -> kv.quantization().granularity() instanceof Granularity.PerTensor)
                .orElse(true);
        if (!perTensor) {
            throw ExactNumbers.unsuitable("KV cache scales per head can be held by compressed-tensors only");
        }
        return new KvScaleTensors(numbers.kvCache(), keys, values, DType.F32, List.of());
    }

    public List<TensorSpec> specs() {
        var specs = new ArrayList<TensorSpec>();
        forEach((spec, scale) -> specs.add(spec));
        return specs;
    }

    public void write(TensorSink sink) {
        forEach((spec, scale) -> ExactNumbers.write(scale, false, spec, sink));
    }

    private void forEach(BiConsumer<TensorSpec, Float> visitor) {
        scales.ifPresent(kv -> kv.byLayer().forEach((layer, stored) -> {
            visitor.accept(spec(layer, keys), stored.keys().getFirst());
            visitor.accept(spec(layer, values), stored.values().getFirst());
        }));
    }

    private TensorSpec spec(int layer, String suffix) {
        return new TensorSpec("model.layers." + layer + suffix, dtype, shape);
    }
}
