package io.octavo.engine.model;

import org.jspecify.annotations.Nullable;

/**
 * The norms of a layer by the module names that hold their weights; null where the architecture has none.
 *
 * @param beforeMixer normalizes the input of the mixer
 * @param afterMixer normalizes its output before the residual sum
 */
public record LayerNorms(
        NormSpec kind,
        @Nullable String beforeMixer,
        @Nullable String afterMixer,
        @Nullable String beforeFeedForward,
        @Nullable String afterFeedForward) {

    /** Llama's arrangement: one norm before each block. */
    static LayerNorms before(float epsilon) {
        return new LayerNorms(new NormSpec(epsilon, 0), "input_layernorm", null, "post_attention_layernorm", null);
    }

    /** Gemma's: one before and one after each block. */
    static LayerNorms around(float epsilon) {
        return new LayerNorms(
                new NormSpec(epsilon, 1),
                "input_layernorm",
                "post_attention_layernorm",
                "pre_feedforward_layernorm",
                "post_feedforward_layernorm");
    }

    /** OLMo 2's: only after each block. */
    static LayerNorms after(float epsilon) {
        return new LayerNorms(
                new NormSpec(epsilon, 0), null, "post_attention_layernorm", null, "post_feedforward_layernorm");
    }
}
