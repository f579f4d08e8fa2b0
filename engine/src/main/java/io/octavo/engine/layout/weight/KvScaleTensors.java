package io.octavo.engine.layout.weight;

import io.octavo.engine.safetensors.TensorSpec;
import io.octavo.engine.scheme.Granularity;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Spells KV cache scales per tensor. */
public final class KvScaleTensors {

    /** AutoFP8 and compressed-tensors. */
    public static final Names BESIDE_ATTENTION = new Names(".self_attn.k_scale", ".self_attn.v_scale");

    /** ModelOpt. */
    public static final Names BESIDE_PROJECTIONS = new Names(".self_attn.k_proj.k_scale", ".self_attn.v_proj.v_scale");

    private KvScaleTensors() {}

    /** What follows a layer's number. */
    record Names(String keys, String values) {}

    /** @param shape of every scale: {@code []} or {@code [1]} */
    public static List<TensorSpec> specs(Optional<KvCacheScales> scales, Names names, DType dtype, long... shape) {
        var specs = new ArrayList<TensorSpec>();
        scales.ifPresent(kv -> kv.byLayer().forEach((layer, stored) -> {
            specs.add(new TensorSpec(tensor(layer, names.keys), dtype, shape));
            specs.add(new TensorSpec(tensor(layer, names.values), dtype, shape));
        }));
        return specs;
    }

    public static void write(Optional<KvCacheScales> scales, Names names, DType dtype, TensorSink sink) {
        scales.ifPresent(kv -> kv.byLayer().forEach((layer, stored) -> {
            String keys = tensor(layer, names.keys);
            String values = tensor(layer, names.values);
            sink.write(keys, 0, ExactNumbers.encode(stored.keys().getFirst(), dtype, keys));
            sink.write(values, 0, ExactNumbers.encode(stored.values().getFirst(), dtype, values));
        }));
    }

    private static String tensor(int layer, String suffix) {
        return "model.layers." + layer + suffix;
    }

    /** @throws io.octavo.engine.failure.QuantizationException {@code LAYOUT_UNSUITABLE} for scales per head */
    public static void requirePerTensor(Optional<KvCacheScales> scales) {
        boolean perTensor = scales.map(kv -> kv.quantization().granularity() instanceof Granularity.PerTensor)
                .orElse(true);
        if (!perTensor) {
            throw ExactNumbers.unsuitable("KV cache scales per head can be held by compressed-tensors only");
        }
    }
}
