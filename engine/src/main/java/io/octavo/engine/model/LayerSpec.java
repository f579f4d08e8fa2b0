package io.octavo.engine.model;

/**
 * One decoder layer: a mixer and a feed-forward block, each with its norms around it and the residual beside it.
 *
 * @param name of its module, such as {@code model.layers.0}
 */
public record LayerSpec(String name, MixerSpec mixer, FeedForwardSpec feedForward, LayerNorms norms) {}
