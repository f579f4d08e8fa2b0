package io.octavo.engine.request;

import io.octavo.kernels.operation.Sampling;

/**
 * How the tokens of a text are drawn; {@link Sampling} says what the numbers do.
 *
 * @param temperature 0 for the most likely token, whatever the other numbers but the penalty say
 * @param topK 0 for all
 * @param topP above 0, 1 for all
 * @param minP from 0 for all to 1
 * @param repetitionPenalty of tokens that the prompt or the text holds; 1 for none
 * @param seed the same one draws the same text, whatever else runs
 */
public record SamplingOptions(float temperature, int topK, float topP, float minP, float repetitionPenalty, long seed) {

    /** @throws IllegalArgumentException if a number is outside its range */
    public SamplingOptions {
        new Sampling.Request(temperature, topK, topP, minP, repetitionPenalty, seed, 0, 0);
    }

    /** The most likely token, always. */
    public static SamplingOptions greedy() {
        return new SamplingOptions(0, 0, 1, 0, 1, 0);
    }

    /** What draws the first token of a text, the only one of its seed. */
    public Sampling.Request request() {
        return new Sampling.Request(temperature, topK, topP, minP, repetitionPenalty, seed, 0, 0);
    }
}
