package io.octavo.engine.model;

/**
 * What may differ from layer to layer.
 *
 * @param window positions that a query sees, its own included; {@link Integer#MAX_VALUE} for all
 */
public record LayerSpec(int window, RopeSpec rope, FeedForwardSpec feedForward) {}
