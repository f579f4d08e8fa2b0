package io.octavo.engine.model;

/** How a layer lets tokens see each other; what runs it is a {@code Mixer} of the {@code transformer} package. */
public sealed interface MixerSpec permits AttentionSpec {}
