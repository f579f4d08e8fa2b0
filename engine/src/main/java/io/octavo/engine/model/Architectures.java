package io.octavo.engine.model;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.QuantizationException;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.kernels.GatedActivation.Function;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/** The architectures whose forward pass is known, by the name that config.json gives them. */
public final class Architectures {

    /** Reads one family of configs. */
    private interface Reader {
        ModelSpec apply(ConfigReader config);
    }

    private static final Map<String, Reader> KNOWN = new TreeMap<>(Map.of(
            "LlamaForCausalLM", Architectures::llama,
            "MistralForCausalLM", Architectures::llama,
            "Qwen2ForCausalLM", Architectures::llama,
            "Qwen3ForCausalLM", Architectures::qwen3,
            "Phi3ForCausalLM", Architectures::phi3,
            "Olmo2ForCausalLM", Architectures::olmo2,
            "Gemma3ForCausalLM", Architectures::gemma3));

    private Architectures() {}

    /** Names for messages and documentation, sorted. */
    public static List<String> names() {
        return List.copyOf(KNOWN.keySet());
    }

    /**
     * @param config parsed config.json
     * @throws QuantizationException {@code architecture-missing}, {@code architecture-unsupported} or
     *     {@code config-invalid}
     */
    public static ModelSpec read(JsonNode config) {
        ConfigReader reader = new ConfigReader(config, "");
        String name = name(reader);
        Reader known = KNOWN.get(name);
        if (known == null) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_UNSUPPORTED,
                    "config.json: architecture " + name + " cannot be run; known: " + String.join(", ", names()));
        }
        return known.apply(reader);
    }

    private static String name(ConfigReader config) {
        List<String> architectures = config.texts("architectures");
        if (architectures.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.ARCHITECTURE_MISSING, "config.json: architectures is missing or empty");
        }
        return architectures.getFirst();
    }

    /** Llama, Mistral (sliding window) and Qwen2 (biases are found by their tensors). */
    private static ModelSpec llama(ConfigReader config) {
        return build(config, NormSpec.preNorm(epsilon(config)), QueryKeyNorm.NONE, false);
    }

    private static ModelSpec qwen3(ConfigReader config) {
        return build(config, NormSpec.preNorm(epsilon(config)), QueryKeyNorm.PER_HEAD, false);
    }

    private static ModelSpec phi3(ConfigReader config) {
        return build(config, NormSpec.preNorm(epsilon(config)), QueryKeyNorm.NONE, true);
    }

    private static ModelSpec olmo2(ConfigReader config) {
        return build(config, NormSpec.postNorm(epsilon(config)), QueryKeyNorm.WHOLE, false);
    }

    private static ModelSpec gemma3(ConfigReader config) {
        return build(config, NormSpec.sandwich(epsilon(config)), QueryKeyNorm.PER_HEAD, false);
    }

    private static float epsilon(ConfigReader config) {
        return (float) config.positive("rms_norm_eps", 1e-6);
    }

    private static ModelSpec build(ConfigReader config, NormSpec norms, QueryKeyNorm queryKeyNorm, boolean fused) {
        int hidden = config.dimension("hidden_size");
        boolean gemma = norms.gainOffset() != 0;
        return new ModelSpec(
                name(config),
                hidden,
                config.dimension("intermediate_size"),
                config.dimension("vocab_size"),
                config.dimension("max_position_embeddings", 2048),
                attention(config, hidden, queryKeyNorm, fused),
                norms,
                activation(config),
                fused,
                gemma ? (float) Math.sqrt(hidden) : 1,
                config.flag("tie_word_embeddings", gemma),
                layers(config),
                config.tokenId("bos_token_id"),
                config.tokenIds("eos_token_id"));
    }

    private static AttentionSpec attention(ConfigReader config, int hidden, QueryKeyNorm queryKeyNorm, boolean fused) {
        int heads = config.dimension("num_attention_heads");
        int kvHeads = config.dimension("num_key_value_heads", heads);
        int headDim = config.dimension("head_dim", Math.max(1, hidden / heads));
        if (heads % kvHeads != 0 || headDim % 2 != 0) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: num_attention_heads " + heads + " must be a multiple of num_key_value_heads "
                            + kvHeads + ", and head_dim " + headDim + " must be even");
        }
        double scaled = config.positive("query_pre_attn_scalar", headDim);
        return new AttentionSpec(
                heads, kvHeads, headDim, (float) (1 / Math.sqrt(scaled)), softcap(config), fused, queryKeyNorm);
    }

    private static float softcap(ConfigReader config) {
        return (float) config.positive("attn_logit_softcapping", 0);
    }

    private static Function activation(ConfigReader config) {
        String name = config.text("hidden_activation", config.text("hidden_act", "silu"));
        return switch (name) {
            case "silu", "swish" -> Function.SILU;
            case "gelu_pytorch_tanh" -> Function.GELU_TANH;
            default ->
                throw new QuantizationException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "config.json: activation " + name + " cannot be run; known: silu, gelu_pytorch_tanh");
        };
    }

    private static List<LayerSpec> layers(ConfigReader config) {
        int count = config.dimension("num_hidden_layers");
        int window = slidingWindow(config);
        List<String> types = layerTypes(config, count);
        List<LayerSpec> layers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            boolean sliding = types.isEmpty() || types.get(i).equals("sliding_attention");
            RopeSpec rope =
                    hasRopeByLayerType(config) ? RopeReader.readFor(types.get(i), config) : RopeReader.read(config);
            layers.add(new LayerSpec(sliding ? window : Integer.MAX_VALUE, rope));
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
            if (!type.equals("full_attention") && !type.equals("sliding_attention")) {
                throw new QuantizationException(
                        ErrorCode.ARCHITECTURE_UNSUPPORTED,
                        "config.json: layer type " + type + " cannot be run; known: full_attention, sliding_attention");
            }
        }
        return types;
    }

    private static boolean hasRopeByLayerType(ConfigReader config) {
        return config.has("layer_types")
                && config.has("rope_parameters")
                && config.object("rope_parameters").has("full_attention");
    }
}
