package io.octavo.engine.model;

import io.octavo.engine.module.ModuleRole;

/**
 * Which Linears of a decoder layer have a bias. A config class says so, whatever tensors a checkpoint holds: transformers
 * drops those of others.
 *
 * @param attentionInputs of queries, keys and values
 * @param attentionOutput of what attention puts out
 * @param feedForward of a dense feed-forward block; experts have none
 */
public record Biases(boolean attentionInputs, boolean attentionOutput, boolean feedForward) {

    /** Qwen2's, which no key of its config changes. */
    static final Biases OF_ATTENTION_INPUTS = new Biases(true, false, false);

    /** What a config says; a config class that lacks a key has no such bias. */
    static Biases of(ConfigReader config) {
        boolean attention = config.flag("attention_bias", false);
        return new Biases(attention, config.flag("attention_out_bias", attention), config.flag("mlp_bias", false));
    }

    /** @param module name of a Linear outside of experts */
    public boolean has(String module) {
        return switch (ModuleRole.named(module)) {
            case QUERY, KEY, VALUE, QUERY_KEY_VALUE -> attentionInputs;
            case ATTENTION_OUTPUT -> attentionOutput;
            case GATE, UP, GATE_UP, DOWN -> feedForward;
            default -> false;
        };
    }
}
