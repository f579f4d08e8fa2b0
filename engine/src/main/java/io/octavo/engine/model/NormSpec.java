package io.octavo.engine.model;

import org.jspecify.annotations.Nullable;

/**
 * The norms of a layer by the module names that hold their weights; null where the architecture has none.
 *
 * @param gainOffset added to the stored weight to form the gain: 1 for Gemma, which stores {@code gain - 1}
 * @param beforeAttention normalizes the input of the attention block
 * @param afterAttention normalizes its output before the residual sum
 */
public record NormSpec(
        float epsilon,
        float gainOffset,
        @Nullable String beforeAttention,
        @Nullable String afterAttention,
        @Nullable String beforeMlp,
        @Nullable String afterMlp) {

    /** Llama's arrangement: one norm before each block. */
    static NormSpec preNorm(float epsilon) {
        return new NormSpec(epsilon, 0, "input_layernorm", null, "post_attention_layernorm", null);
    }

    /** Gemma's: one before and one after each block. */
    static NormSpec sandwich(float epsilon) {
        return new NormSpec(
                epsilon,
                1,
                "input_layernorm",
                "post_attention_layernorm",
                "pre_feedforward_layernorm",
                "post_feedforward_layernorm");
    }

    /** OLMo 2's: only after each block. */
    static NormSpec postNorm(float epsilon) {
        return new NormSpec(epsilon, 0, null, "post_attention_layernorm", null, "post_feedforward_layernorm");
    }
}
