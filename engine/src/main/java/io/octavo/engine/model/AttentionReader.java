package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec.Names;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import java.util.List;
import java.util.function.IntFunction;

/** Reads attention, whose window and rotary settings may differ from layer to layer. */
record AttentionReader(QueryKeyNorm queryKeyNorm, Names names) implements MixerReader {

    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    @Override
    public IntFunction<MixerSpec> read(ConfigReader config, int layers) {
        int heads = config.dimension("num_attention_heads");
        int kvHeads = config.dimension("num_key_value_heads", heads);
        int headDim = config.dimension("head_dim", Math.max(1, config.dimension("hidden_size") / heads));
        if (heads % kvHeads != 0 || headDim % 2 != 0) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: num_attention_heads " + heads + " must be a multiple of num_key_value_heads "
                            + kvHeads + ", and head_dim " + headDim + " must be even");
        }
        float scale = (float) (1 / Math.sqrt(config.positive("query_pre_attn_scalar", headDim)));
        float cap = (float) config.positive("attn_logit_softcapping", 0);
        int window = config.dimension("sliding_window", Integer.MAX_VALUE);
        List<String> types = layerTypes(config, layers);
        List<Integer> turned = config.indices("no_rope_layers");
        if (!turned.isEmpty()) {
            requireOneEach("no_rope_layers", turned, layers);
        }
        return layer -> {
            boolean sliding = types.get(layer).equals(SLIDING);
            return new AttentionSpec(
                    heads,
                    kvHeads,
                    headDim,
                    scale,
                    cap,
                    sliding ? window : Integer.MAX_VALUE,
                    !turned.isEmpty() && turned.get(layer) == 0 ? new RopeSpec.None() : rope(config, sliding),
                    queryKeyNorm,
                    names);
        };
    }

    private static List<String> layerTypes(ConfigReader config, int count) {
        List<String> types = config.texts("layer_types");
        requireOneEach("layer_types", types, count);
        for (String type : types) {
            if (!type.equals(FULL) && !type.equals(SLIDING)) {
                throw new QuantizationException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "config.json: layer type " + type + " cannot be run; known: " + FULL + ", " + SLIDING);
            }
        }
        return types;
    }

    private static void requireOneEach(String key, List<?> values, int layers) {
        if (values.size() != layers) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: " + key + " has " + values.size() + " entries, num_hidden_layers is " + layers);
        }
    }

    /** Gemma 3 turns sliding layers slower. */
    private static RopeSpec rope(ConfigReader config, boolean sliding) {
        return config.object("rope_parameters").has(FULL)
                ? RopeReader.readFor(sliding ? SLIDING : FULL, config)
                : RopeReader.read(config);
    }
}
