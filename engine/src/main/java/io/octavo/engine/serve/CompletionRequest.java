package io.octavo.engine.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is asked of a {@link ServedModel}.
 *
 * @param client whose turn it is: clients that wait share the model evenly, whatever the number of their requests
 * @param prompt token ids, BOS included, at least one
 * @param choices texts that follow the prompt, each drawn on its own; 1 to {@value #MOST_CHOICES}
 * @param maxTokens most tokens of each choice; 0 only looks at the prompt. What exceeds the model's length is cut off, with
 *     {@link FinishReason#LENGTH}
 * @param topLogprobs null for no log-probabilities; 0 for those of the tokens; up to {@value #MOST_LOGPROBS} for as many of
 *     the most likely ones beside
 * @param echo whether the prompt's tokens come back, with their log-probabilities if there are any
 */
public record CompletionRequest(
        String client,
        List<Integer> prompt,
        int choices,
        int maxTokens,
        SamplingParameters sampling,
        StopConditions stop,
        @Nullable Integer topLogprobs,
        boolean echo) {

    public static final int MOST_CHOICES = 128;
    public static final int MOST_LOGPROBS = 20;

    /** @throws IllegalArgumentException if a number is outside its range */
    public CompletionRequest {
        prompt = List.copyOf(prompt);
        Ranges.require("choices", choices, 1, MOST_CHOICES);
        Ranges.require("maxTokens", maxTokens, 0, Integer.MAX_VALUE);
        if (topLogprobs != null) {
            Ranges.require("topLogprobs", topLogprobs, 0, MOST_LOGPROBS);
        }
    }

    /** One text, without log-probabilities. */
    public CompletionRequest(
            String client, List<Integer> prompt, int maxTokens, SamplingParameters sampling, StopConditions stop) {
        this(client, prompt, 1, maxTokens, sampling, stop, null, false);
    }
}
