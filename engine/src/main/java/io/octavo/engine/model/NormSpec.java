package io.octavo.engine.model;

/**
 * Root mean square normalization.
 *
 * @param gainOffset added to the stored weight to form the gain: 1 for Gemma, which stores {@code gain - 1}
 */
public record NormSpec(float epsilon, float gainOffset) {}
