package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.AttentionSpec.QueryKeyNorm;
import io.octavo.kernels.operation.GatedActivation.Function;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntPredicate;
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
            "Gemma2ForCausalLM", Architectures::gemma2,
            "Gemma3ForCausalLM", Architectures::gemma3,
            "MixtralForCausalLM", Architectures::mixtral,
            "Qwen3MoeForCausalLM", Architectures::qwen3Moe));

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

    /**
     * What a family has in common.
     *
     * @param fused one projection instead of three in attention, and instead of two in the MLP
     * @param scoreSoftcap of attention where the config does not say; 0 for none
     */
    private record Family(
            NormSpec norms, QueryKeyNorm queryKeyNorm, boolean fused, float scoreSoftcap, float logitSoftcap) {

        Family(NormSpec norms, QueryKeyNorm queryKeyNorm) {
            this(norms, queryKeyNorm, false, 0, 0);
        }
    }

    /** Llama, Mistral (sliding window) and Qwen2 (biases are found by their tensors). */
    private static ModelSpec llama(ConfigReader config) {
        return dense(config, new Family(NormSpec.preNorm(epsilon(config)), QueryKeyNorm.NONE), qwenSliding(config));
    }

    private static ModelSpec qwen3(ConfigReader config) {
        return dense(config, new Family(NormSpec.preNorm(epsilon(config)), QueryKeyNorm.PER_HEAD), qwenSliding(config));
    }

    private static ModelSpec qwen3Moe(ConfigReader config) {
        Family family = new Family(NormSpec.preNorm(epsilon(config)), QueryKeyNorm.PER_HEAD);
        return build(config, family, LayerReader.read(config, layer -> true, LayerReader.qwen3Moe(config)));
    }

    private static ModelSpec mixtral(ConfigReader config) {
        Family family = new Family(NormSpec.preNorm(epsilon(config)), QueryKeyNorm.NONE);
        FeedForwardSpec experts = LayerReader.mixtral(config);
        return build(config, family, LayerReader.read(config, layer -> true, layer -> experts));
    }

    private static ModelSpec phi3(ConfigReader config) {
        return dense(
                config, new Family(NormSpec.preNorm(epsilon(config)), QueryKeyNorm.NONE, true, 0, 0), layer -> true);
    }

    private static ModelSpec olmo2(ConfigReader config) {
        return dense(config, new Family(NormSpec.postNorm(epsilon(config)), QueryKeyNorm.WHOLE), layer -> true);
    }

    private static ModelSpec gemma2(ConfigReader config) {
        Family family = new Family(NormSpec.sandwich(epsilon(config)), QueryKeyNorm.NONE, false, 50, 30);
        return dense(config, family, layer -> layer % 2 == 0);
    }

    private static ModelSpec gemma3(ConfigReader config) {
        int pattern = config.dimension("sliding_window_pattern", 6);
        Family family = new Family(NormSpec.sandwich(epsilon(config)), QueryKeyNorm.PER_HEAD);
        return dense(config, family, layer -> (layer + 1) % pattern != 0);
    }

    /** Qwen's first {@code max_window_layers} see everything; other families do not have the key. */
    private static IntPredicate qwenSliding(ConfigReader config) {
        int first = config.whole("max_window_layers", 0, Integer.MAX_VALUE, 0);
        return layer -> layer >= first;
    }

    private static float epsilon(ConfigReader config) {
        return (float) config.positive("rms_norm_eps", 1e-6);
    }

    private static ModelSpec dense(ConfigReader config, Family family, IntPredicate slides) {
        FeedForwardSpec feedForward = LayerReader.dense(config, family.fused);
        return build(config, family, LayerReader.read(config, slides, layer -> feedForward));
    }

    private static ModelSpec build(ConfigReader config, Family family, List<LayerSpec> layers) {
        int hidden = config.dimension("hidden_size");
        boolean gemma = family.norms.gainOffset() != 0;
        return new ModelSpec(
                name(config),
                hidden,
                config.dimension("vocab_size"),
                config.dimension("max_position_embeddings", 2048),
                attention(config, hidden, family),
                family.norms,
                activation(config),
                gemma ? (float) Math.sqrt(hidden) : 1,
                (float) config.positiveOrOff("final_logit_softcapping", family.logitSoftcap),
                config.flag("tie_word_embeddings", gemma),
                layers,
                config.tokenId("bos_token_id"),
                config.tokenIds("eos_token_id"));
    }

    private static AttentionSpec attention(ConfigReader config, int hidden, Family family) {
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
                heads,
                kvHeads,
                headDim,
                (float) (1 / Math.sqrt(scaled)),
                (float) config.positiveOrOff("attn_logit_softcapping", family.scoreSoftcap),
                family.fused,
                family.queryKeyNorm);
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
}
