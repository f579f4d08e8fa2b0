package io.octavo.engine.request;

import java.time.Duration;

/** The outcome of one {@link EvaluationTask}. */
public sealed interface TaskResult {

    String name();

    Duration duration();

    /**
     * @param negativeLogLikelihood mean over tokens, in nats
     * @param perplexity its exponential
     */
    record Perplexity(
            String name,
            int windows,
            int windowTokens,
            double negativeLogLikelihood,
            double perplexity,
            Duration duration)
            implements TaskResult {}

    /**
     * @param accuracy share of items whose best choice is the answer
     * @param accuracyNormalized the same with scores divided by the choice's UTF-8 bytes
     */
    record MultipleChoice(String name, int items, double accuracy, double accuracyNormalized, Duration duration)
            implements TaskResult {}

    /**
     * @param divergence mean over tokens of KL(baseline || model), in nats
     * @param largestDivergence of any token
     * @param agreement share of tokens where both models find the same one most likely
     */
    record Divergence(
            String name,
            int windows,
            int windowTokens,
            double divergence,
            double largestDivergence,
            double agreement,
            Duration duration)
            implements TaskResult {}

    /**
     * @param text the continuation without the prompt
     * @param newTokens how many tokens it has
     * @param sampling how they were drawn
     */
    record Generation(
            String name, String prompt, String text, int newTokens, SamplingOptions sampling, Duration duration)
            implements TaskResult {}
}
