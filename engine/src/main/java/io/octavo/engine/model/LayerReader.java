package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/** Reads what may differ from layer to layer: windows, rotary settings, dense blocks and mixtures of experts. */
final class LayerReader {

    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    /** Ten times the largest known. */
    private static final int MOST_LAYERS = 2048;

    private static final int MOST_EXPERTS = 4096;

    private LayerReader() {}

    /**
     * @param slides which layers have a window where the config does not list {@code layer_types}
     * @param feedForward of each layer
     */
    static List<LayerSpec> read(ConfigReader config, IntPredicate slides, IntFunction<FeedForwardSpec> feedForward) {
        int count = config.whole("num_hidden_layers", 1, MOST_LAYERS);
        int window = slidingWindow(config);
        List<String> types = layerTypes(config, count);
        List<LayerSpec> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean sliding = types.isEmpty() ? slides.test(i) : types.get(i).equals(SLIDING);
            layers.add(
                    new LayerSpec(sliding ? window : Integer.MAX_VALUE, rope(config, sliding), feedForward.apply(i)));
        }
        return layers;
    }

    /** Qwen writes a window that only counts when {@code use_sliding_window} is true. */
    private static int slidingWindow(ConfigReader config) {
        boolean used = config.flag("use_sliding_window", true);
        return used ? config.dimension("sliding_window", Integer.MAX_VALUE) : Integer.MAX_VALUE;
    }

    private static List<String> layerTypes(ConfigReader config, int count) {
        List<String> types = config.texts("layer_types");
        if (!types.isEmpty() && types.size() != count) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: layer_types has " + types.size() + " entries, num_hidden_layers is " + count);
        }
        for (String type : types) {
            if (!type.equals(FULL) && !type.equals(SLIDING)) {
                throw new QuantizationException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "config.json: layer type " + type + " cannot be run; known: " + FULL + ", " + SLIDING);
            }
        }
        return types;
    }

    /** Gemma 3 turns sliding layers slower, which its older configs spell {@code rope_local_base_freq}. */
    private static RopeSpec rope(ConfigReader config, boolean sliding) {
        if (config.has("rope_parameters") && config.object("rope_parameters").has(FULL)) {
            return RopeReader.readFor(sliding ? SLIDING : FULL, config);
        }
        return sliding && config.has("rope_local_base_freq")
                ? new RopeSpec.Plain(config.positive("rope_local_base_freq"))
                : RopeReader.read(config);
    }

    static FeedForwardSpec dense(ConfigReader config, boolean fused) {
        return new FeedForwardSpec.Dense(config.dimension("intermediate_size"), fused);
    }

    static FeedForwardSpec mixtral(ConfigReader config) {
        return experts(config, config.dimension("intermediate_size"), true, FeedForwardSpec.Names.MIXTRAL);
    }

    /** Every {@code decoder_sparse_step}-th layer has experts, except those in {@code mlp_only_layers}. */
    static IntFunction<FeedForwardSpec> qwen3Moe(ConfigReader config) {
        FeedForwardSpec experts = experts(
                config,
                config.dimension("moe_intermediate_size"),
                config.flag("norm_topk_prob", false),
                FeedForwardSpec.Names.QWEN);
        FeedForwardSpec dense = dense(config, false);
        int step = config.dimension("decoder_sparse_step", 1);
        List<Integer> denseLayers = config.indices("mlp_only_layers");
        return layer -> (layer + 1) % step == 0 && !denseLayers.contains(layer) ? experts : dense;
    }

    private static FeedForwardSpec experts(
            ConfigReader config, int intermediateSize, boolean normalized, FeedForwardSpec.Names names) {
        String key = config.has("num_local_experts") ? "num_local_experts" : "num_experts";
        int count = config.whole(key, 1, MOST_EXPERTS);
        int perToken = config.whole("num_experts_per_tok", 1, count);
        return new FeedForwardSpec.Experts(intermediateSize, count, perToken, normalized, names);
    }
}
