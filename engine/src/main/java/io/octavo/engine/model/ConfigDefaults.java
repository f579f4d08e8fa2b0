package io.octavo.engine.model;

import static java.util.Map.entry;

import java.util.Map;
import java.util.Objects;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What config.json leaves out, as the config classes of transformers 5.18 fill it in (its {@code configuration_*.py}). A key that a class does not have is not read, whatever other classes do with it.
 */
final class ConfigDefaults {

    /** Which layers have a window. */
    enum Windows {
        /** None, whatever {@code sliding_window} says. */
        NONE,
        /** Every layer, whatever {@code layer_types} says. */
        EVERY_LAYER,
        /** Those of {@code layer_types}, else every layer. */
        EVERY_LAYER_IF_NOT_LISTED,
        /** Every layer if {@code use_sliding_window}. */
        EVERY_LAYER_IF_USED,
        /** If {@code use_sliding_window} those of {@code layer_types}, else all from {@code max_window_layers} on. */
        UPPER_LAYERS_IF_USED,
        /** Those of {@code layer_types}, else if {@code use_sliding_window} all without position embedding. */
        UNTURNED_LAYERS_IF_USED,
        /** Those of {@code layer_types}, else every other layer, from the first on. */
        EVERY_OTHER,
        /** Those of {@code layer_types}, else all but every {@code sliding_window_pattern}-th. */
        BY_PATTERN;

        boolean canBeListed() {
            return this == EVERY_LAYER_IF_NOT_LISTED
                    || this == UPPER_LAYERS_IF_USED
                    || this == UNTURNED_LAYERS_IF_USED
                    || this == EVERY_OTHER
                    || this == BY_PATTERN;
        }
    }

    /**
     * One config class.
     *
     * @param values by key; null where it is derived from others or switched off
     * @param theta rotary base; in families that turn layers with a window slower, that of the others
     * @param localTheta rotary base of layers with a window; 0 where it is the same
     * @param partialRotation whether {@code partial_rotary_factor} is known
     */
    record Family(Windows windows, double theta, double localTheta, boolean partialRotation, ObjectNode values) {

        private static Family of(Windows windows, double theta, String values) {
            return new Family(windows, theta, 0, false, object(values));
        }
    }

    private static final Map<String, Family> FAMILIES = Map.ofEntries(
            entry("LlamaForCausalLM", Family.of(Windows.NONE, 1e4, """
                    {"attention_bias": false, "mlp_bias": false,
                     "num_key_value_heads": null, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "bos_token_id": 1, "eos_token_id": 2}""")),
            entry("MistralForCausalLM", Family.of(Windows.EVERY_LAYER_IF_NOT_LISTED, 1e4, """
                    {"num_key_value_heads": 8, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "sliding_window": 4096, "bos_token_id": 1, "eos_token_id": 2}""")),
            entry("MixtralForCausalLM", Family.of(Windows.EVERY_LAYER, 1e6, """
                    {"num_key_value_heads": 8, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
                     "sliding_window": null, "num_local_experts": 8, "num_experts_per_tok": 2,
                     "bos_token_id": 1, "eos_token_id": 2}""")),
            entry("Qwen2ForCausalLM", Family.of(Windows.UPPER_LAYERS_IF_USED, 1e4, """
                    {"num_key_value_heads": 32, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28,
                     "bos_token_id": null, "eos_token_id": null}""")),
            entry("Qwen3ForCausalLM", Family.of(Windows.UPPER_LAYERS_IF_USED, 1e4, """
                    {"attention_bias": false,
                     "num_key_value_heads": 32, "head_dim": 128, "hidden_act": "silu",
                     "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "use_sliding_window": false, "sliding_window": 4096, "max_window_layers": 28,
                     "bos_token_id": null, "eos_token_id": null}""")),
            entry("SmolLM3ForCausalLM", Family.of(Windows.UNTURNED_LAYERS_IF_USED, 2e6, """
                    {"attention_bias": false, "mlp_bias": false,
                     "num_key_value_heads": 4, "head_dim": null, "hidden_act": "silu", "max_position_embeddings": 32768,
                     "rms_norm_eps": 1e-6, "tie_word_embeddings": true, "use_sliding_window": false,
                     "sliding_window": null, "no_rope_layers": null, "no_rope_layer_interval": 4,
                     "bos_token_id": 128000, "eos_token_id": 128001}""")),
            entry("SeedOssForCausalLM", Family.of(Windows.NONE, 1e4, """
                    {"attention_bias": true, "attention_out_bias": false, "mlp_bias": false,
                     "num_key_value_heads": 8, "head_dim": 128, "hidden_act": "silu",
                     "max_position_embeddings": 524288, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "bos_token_id": 0, "eos_token_id": 2}""")),
            entry("Qwen3MoeForCausalLM", Family.of(Windows.EVERY_LAYER_IF_USED, 1e4, """
                    {"attention_bias": false,
                     "num_key_value_heads": 4, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "tie_word_embeddings": false,
                     "use_sliding_window": false, "sliding_window": 4096, "num_local_experts": 128,
                     "num_experts_per_tok": 8, "moe_intermediate_size": 768, "norm_topk_prob": false,
                     "decoder_sparse_step": 1, "mlp_only_layers": [], "bos_token_id": null, "eos_token_id": null}""")),
            entry("Phi3ForCausalLM", new Family(Windows.EVERY_LAYER, 1e4, 0, true, object("""
                    {"num_key_value_heads": null, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
                     "sliding_window": null, "bos_token_id": 1, "eos_token_id": 32000}"""))),
            entry("Olmo2ForCausalLM", Family.of(Windows.NONE, 1e4, """
                    {"attention_bias": false,
                     "num_key_value_heads": null, "head_dim": null, "hidden_act": "silu",
                     "max_position_embeddings": 2048, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
                     "bos_token_id": null, "eos_token_id": 50279}""")),
            entry("Gemma2ForCausalLM", Family.of(Windows.EVERY_OTHER, 1e4, """
                    {"attention_bias": false,
                     "num_key_value_heads": 4, "head_dim": 256,
                     "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 8192, "rms_norm_eps": 1e-6,
                     "tie_word_embeddings": true, "sliding_window": 4096, "query_pre_attn_scalar": 256,
                     "final_logit_softcapping": 30.0, "attn_logit_softcapping": 50.0,
                     "bos_token_id": 2, "eos_token_id": 1}""")),
            entry("Gemma3ForCausalLM", new Family(Windows.BY_PATTERN, 1e6, 1e4, false, object("""
                    {"attention_bias": false,
                     "num_key_value_heads": 4, "head_dim": 256,
                     "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072, "rms_norm_eps": 1e-6,
                     "tie_word_embeddings": true, "sliding_window": 4096, "sliding_window_pattern": 6,
                     "query_pre_attn_scalar": 256, "final_logit_softcapping": null, "attn_logit_softcapping": null,
                     "bos_token_id": 2, "eos_token_id": 1}"""))));

    private ConfigDefaults() {}

    /** @param architecture one that is known */
    static Family of(String architecture) {
        return Objects.requireNonNull(FAMILIES.get(architecture), architecture);
    }

    private static ObjectNode object(String json) {
        return (ObjectNode) JsonMapper.shared().readTree(json);
    }
}
