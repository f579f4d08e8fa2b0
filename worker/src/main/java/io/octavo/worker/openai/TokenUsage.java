package io.octavo.worker.openai;

import io.octavo.engine.serve.Usage;

/** What a call cost, of all its prompts and texts together. */
public record TokenUsage(int promptTokens, int completionTokens, int totalTokens, PromptDetails promptTokensDetails) {

    /** @param cachedTokens of the prompts, those that had not to be computed */
    public record PromptDetails(int cachedTokens) {}

    public static TokenUsage of(Usage usage) {
        return new TokenUsage(
                usage.promptTokens(),
                usage.completionTokens(),
                usage.promptTokens() + usage.completionTokens(),
                new PromptDetails(usage.cachedTokens()));
    }
}
