package io.octavo.engine.serve;

import io.octavo.kernels.operation.Sampling;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How tokens are drawn. To a row of logits is done, in this order, as vLLM does it: the bias is added; tokens that prompt or
 * text hold are divided by the repetition penalty (multiplied where negative); the frequency penalty times its count, and the
 * presence penalty once, are taken from every token of the text. {@link Sampling} says what becomes of the row then.
 *
 * @param temperature 0 for the most likely token; what lies between 0 and {@value Sampling#LEAST_TEMPERATURE} counts as that
 * @param topK 0 for all
 * @param topP above 0, 1 for all
 * @param minP from 0 for all to 1
 * @param repetitionPenalty above 0, 1 for none
 * @param presencePenalty -2 to 2, 0 for none
 * @param frequencyPenalty -2 to 2, 0 for none
 * @param logitBias -100 to 100, by token id
 * @param seed the same one draws the same text, whatever else runs; null for one that nobody knows
 */
public record SamplingParameters(
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        Map<Integer, Float> logitBias,
        @Nullable Long seed) {

    private static final float MOST_PENALTY = 2;
    private static final float MOST_BIAS = 100;

    /** @throws IllegalArgumentException if a number is outside its range */
    public SamplingParameters {
        logitBias = Map.copyOf(logitBias);
        if (temperature > 0 && temperature < Sampling.LEAST_TEMPERATURE) {
            temperature = Sampling.LEAST_TEMPERATURE;
        }
        new Sampling.Request(temperature, topK, topP, minP, repetitionPenalty, 0, 0, 0);
        Ranges.require("presencePenalty", presencePenalty, -MOST_PENALTY, MOST_PENALTY);
        Ranges.require("frequencyPenalty", frequencyPenalty, -MOST_PENALTY, MOST_PENALTY);
        logitBias.forEach((token, bias) -> Ranges.require("logitBias of " + token, bias, -MOST_BIAS, MOST_BIAS));
    }

    /** The most likely token, always. */
    public static SamplingParameters greedy() {
        return new SamplingParameters(0, 0, 1, 0, 1, 0, 0, Map.of(), 0L);
    }

    /** Drawn by the model's own probabilities. */
    public static SamplingParameters drawn(float temperature, long seed) {
        return new SamplingParameters(temperature, 0, 1, 0, 1, 0, 0, Map.of(), seed);
    }

    /** Whether logits are changed by what {@link Sampling} does not know. */
    boolean changesLogits() {
        return presencePenalty != 0 || frequencyPenalty != 0 || !logitBias.isEmpty();
    }
}
