package io.octavo.engine.request;

import java.nio.file.Path;
import java.util.OptionalInt;

/** One measurement of a model's quality. */
public sealed interface EvaluationTask {

    /** Names the dataset in results. */
    String name();

    /**
     * Perplexity over non-overlapping windows: the text is tokenized as a whole without special tokens, BOS is put
     * before each window, every position of a window is scored, the last partial window is dropped.
     *
     * @param text UTF-8 file, or JSONL with a {@code text} member (then each record is windowed on its own)
     * @param windowTokens tokens scored a window
     * @param maxWindows only the first so many windows
     */
    record Perplexity(String name, Path text, int windowTokens, OptionalInt maxWindows) implements EvaluationTask {
        public Perplexity {
            if (windowTokens <= 0) {
                throw new IllegalArgumentException("windowTokens must be positive: " + windowTokens);
            }
        }
    }

    /**
     * Multiple choice: context, a space and each choice are tokenized together with BOS; a choice's score is the sum of
     * the log-probabilities of the tokens past the context's own count.
     *
     * @param items JSONL with {@code context}, {@code choices} and {@code answer} (index)
     * @param maxItems only the first so many items
     */
    record MultipleChoice(String name, Path items, OptionalInt maxItems) implements EvaluationTask {}

    /**
     * How far the distributions of next tokens lie from those of another model, over the windows of {@link Perplexity}.
     *
     * @param text as for perplexity, and so are the next two
     * @param baseline folder of the other model's checkpoint; its vocabulary must be as large
     */
    record Divergence(String name, Path text, int windowTokens, OptionalInt maxWindows, Path baseline)
            implements EvaluationTask {
        public Divergence {
            if (windowTokens <= 0) {
                throw new IllegalArgumentException("windowTokens must be positive: " + windowTokens);
            }
        }
    }

    /**
     * A continuation, shown beside the scores so that a person can judge it.
     *
     * @param prompt plain text; BOS is put before it
     */
    record Generation(String name, String prompt, int maxTokens, SamplingOptions sampling) implements EvaluationTask {}
}
