package io.octavo.engine.request;

import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The outcome of one {@link EvaluationTask}. */
public sealed interface TaskResult {

    String name();

    Duration duration();

    /**
     * @param tokens that were scored
     * @param negativeLogLikelihood mean over tokens, in nats
     * @param perplexity its exponential
     * @param text null unless every token of whole texts was scored, as only rolling and sliding windows do
     */
    record Perplexity(
            String name,
            int windows,
            EvaluationTask.Windowing windowing,
            long tokens,
            double negativeLogLikelihood,
            double perplexity,
            @Nullable TextScores text,
            Duration duration)
            implements TaskResult {

        public int windowTokens() {
            return windowing.tokens();
        }
    }

    /**
     * The same loss by the text's own units, as lm-evaluation-harness defines them, so that models of different tokenizers
     * can be compared.
     *
     * @param words runs of anything but white space
     * @param bytes in UTF-8
     */
    record TextScores(long words, long bytes, double wordPerplexity, double bytePerplexity, double bitsPerByte) {

        /** @param loss sum over the texts, in nats */
        public static TextScores of(double loss, long words, long bytes) {
            return new TextScores(
                    words, bytes, Math.exp(loss / words), Math.exp(loss / bytes), loss / bytes / Math.log(2));
        }
    }

    /**
     * @param accuracy share of items whose best choice is the answer; the harness's {@code acc}
     * @param accuracyNormalized the same with scores divided by the choice's UTF-8 bytes; the harness's {@code acc_bytes}
     * @param accuracyByCharacters the same with scores divided by the choice's characters; the harness's {@code acc_norm}
     * @param subjects of MMLU in the order of their names, else none
     * @param categories of MMLU, each the mean over its items, else none
     */
    record MultipleChoice(
            String name,
            int items,
            double accuracy,
            double accuracyNormalized,
            double accuracyByCharacters,
            List<Subject> subjects,
            List<Subject> categories,
            Duration duration)
            implements TaskResult {

        public MultipleChoice {
            subjects = List.copyOf(subjects);
            categories = List.copyOf(categories);
        }
    }

    /** @param name such as {@code abstract_algebra}, or of a category {@code stem} */
    record Subject(String name, int items, double accuracy) {}

    /**
     * @param divergence mean over tokens of KL(baseline || model), in nats
     * @param percentile99 which 99 of 100 tokens do not exceed, between ranks interpolated
     * @param largestDivergence of any token
     * @param agreement share of tokens where both models find the same one most likely
     * @param positions the mean by where in its window a token stands, in spans of about equal length
     */
    record Divergence(
            String name,
            int windows,
            int windowTokens,
            double divergence,
            double percentile99,
            double largestDivergence,
            double agreement,
            List<PositionSpan> positions,
            Duration duration)
            implements TaskResult {

        public Divergence {
            positions = List.copyOf(positions);
        }
    }

    /**
     * @param from first position within windows, counted from 0
     * @param to behind the last one
     * @param divergence mean over the tokens there, in nats
     */
    record PositionSpan(int from, int to, double divergence) {}

    /**
     * @param text the continuation without the prompt
     * @param newTokens how many tokens it has
     * @param sampling how they were drawn
     */
    record Generation(
            String name, String prompt, String text, int newTokens, SamplingOptions sampling, Duration duration)
            implements TaskResult {}

    /**
     * Whether the model talks as the one does that it was made of.
     *
     * @param checks at least one
     * @param texts what both wrote, prompt by prompt
     */
    record Smoke(String name, List<SmokeCheck> checks, List<SmokeText> texts, Duration duration) implements TaskResult {

        public Smoke {
            checks = List.copyOf(checks);
            texts = List.copyOf(texts);
        }

        public boolean passed() {
            return checks.stream().allMatch(SmokeCheck::passed);
        }
    }

    /**
     * @param name {@code tokens}, {@code finite}, {@code loops} or {@code agreement}
     * @param limit the most that {@code value} may be; of agreement the least
     * @param detail one line for people
     */
    record SmokeCheck(String name, boolean passed, double value, double limit, String detail) {}

    /** @param baseline what the other model wrote with the same seed */
    record SmokeText(String prompt, String text, String baseline) {}
}
