package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec.Names;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;

/**
 * Reads attention, whose window and rotary settings may differ from layer to layer.
 *
 * @param softcap of the scores where the config does not say; 0 for none
 * @param slides which layers have a window where the config does not list {@code layer_types}
 */
record AttentionReader(QueryKeyNorm queryKeyNorm, Names names, float softcap, Slides slides) implements MixerReader {

    private static final String SLIDING = "sliding_attention";
    private static final String FULL = "full_attention";

    /** Which layers of a config have a window. */
    interface Slides {
        IntPredicate of(ConfigReader config);
    }

    static AttentionReader separate(QueryKeyNorm queryKeyNorm, Slides slides) {
        return new AttentionReader(queryKeyNorm, Names.SEPARATE, 0, slides);
    }

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
        float cap = (float) config.positiveOrOff("attn_logit_softcapping", softcap);
        int window = slidingWindow(config);
        List<String> types = layerTypes(config, layers);
        List<Integer> turned = config.indices("no_rope_layers");
        requireOneEach("no_rope_layers", turned, layers);
        IntPredicate unlisted = slides.of(config);
        return layer -> {
            boolean sliding =
                    types.isEmpty() ? unlisted.test(layer) : types.get(layer).equals(SLIDING);
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

    /** Qwen writes a window that only counts when {@code use_sliding_window} is true. */
    private static int slidingWindow(ConfigReader config) {
        boolean used = config.flag("use_sliding_window", true);
        return used ? config.dimension("sliding_window", Integer.MAX_VALUE) : Integer.MAX_VALUE;
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
        if (!values.isEmpty() && values.size() != layers) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: " + key + " has " + values.size() + " entries, num_hidden_layers is " + layers);
        }
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
}
