package io.octavo.engine.evaluate;

import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** A task whose texts are tokens already, so that the model can be loaded for just what they need. */
sealed interface PreparedTask permits PreparedTask.Windows, PreparedTask.Pairs, PreparedChoices, PreparedTask.Prompt {

    /** Units of progress. */
    int steps();

    /** The longest context that the task needs. */
    int contextTokens();

    static PreparedTask prepare(EvaluationTask task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
        return switch (task) {
            case EvaluationTask.Perplexity perplexity -> Windows.prepare(perplexity, tokenizer, spec, chats);
            case EvaluationTask.Divergence divergence -> Pairs.prepare(divergence, tokenizer, spec, chats);
            case EvaluationTask.MultipleChoice choice -> PreparedChoices.prepare(choice, tokenizer, spec);
            case EvaluationTask.Generation generation -> Prompt.prepare(generation, tokenizer, spec);
            case EvaluationTask.Smoke smoke -> throw new IllegalArgumentException(smoke.name() + " serves the model");
        };
    }

    /** Perplexity windows, each with what stands before it. */
    record Windows(EvaluationTask.Perplexity task, WindowedText text) implements PreparedTask {

        static Windows prepare(
                EvaluationTask.Perplexity task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
            return new Windows(
                    task,
                    WindowedText.cut(
                            task.name(), task.text(), task.windowing(), task.maxWindows(), tokenizer, spec, chats));
        }

        List<ScoredSequence> windows() {
            return text.windows();
        }

        TaskResult result(double[] sums, Duration duration) {
            long tokens =
                    windows().stream().mapToLong(ScoredSequence::scoredTokens).sum();
            double loss = Arrays.stream(sums).sum();
            double mean = loss / tokens;
            return new TaskResult.Perplexity(
                    task.name(),
                    windows().size(),
                    task.windowing(),
                    tokens,
                    mean,
                    Math.exp(mean),
                    text.whole() ? TaskResult.TextScores.of(loss, text.words(), text.bytes()) : null,
                    duration);
        }

        @Override
        public int steps() {
            return windows().size();
        }

        @Override
        public int contextTokens() {
            return task.windowing().tokens();
        }
    }

    /** Disjoint windows for a model that is compared with another. */
    record Pairs(EvaluationTask.Divergence task, List<ScoredSequence> windows) implements PreparedTask {

        static Pairs prepare(EvaluationTask.Divergence task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
            var disjoint = new EvaluationTask.Windowing.Disjoint(task.windowTokens());
            return new Pairs(
                    task,
                    WindowedText.cut(task.name(), task.text(), disjoint, task.maxWindows(), tokenizer, spec, chats)
                            .windows());
        }

        /** @throws QuantizationException {@code baseline-incompatible} */
        void requireComparable(ModelSpec spec, ModelSpec baseline) {
            if (baseline.vocabularySize() != spec.vocabularySize()
                    || !baseline.prefixTokenId().equals(spec.prefixTokenId())
                    || baseline.maxPositions() < task.windowTokens()) {
                throw new QuantizationException(
                        ErrorCode.BASELINE_INCOMPATIBLE,
                        "the baseline of task " + task.name() + " has " + baseline.vocabularySize() + " tokens, prefix "
                                + baseline.prefixTokenId() + " and " + baseline.maxPositions()
                                + " positions; needed are "
                                + spec.vocabularySize() + ", " + spec.prefixTokenId() + " and at least "
                                + task.windowTokens());
            }
        }

        TaskResult result(DivergenceScorer scorer, Duration duration) {
            return new TaskResult.Divergence(
                    task.name(),
                    windows.size(),
                    task.windowTokens(),
                    scorer.divergence(),
                    scorer.percentile(99),
                    scorer.largest(),
                    scorer.agreement(),
                    scorer.positions(),
                    duration);
        }

        @Override
        public int steps() {
            return windows.size();
        }

        @Override
        public int contextTokens() {
            return task.windowTokens();
        }
    }

    /** A prompt to continue. */
    record Prompt(EvaluationTask.Generation task, List<Integer> tokens) implements PreparedTask {

        static Prompt prepare(EvaluationTask.Generation task, Tokenizer tokenizer, ModelSpec spec) {
            IntStream tokens =
                    IntStream.concat(spec.prefixTokenId().stream(), IntStream.of(tokenizer.encode(task.prompt())));
            return new Prompt(task, tokens.boxed().toList());
        }

        @Override
        public int steps() {
            return task.maxTokens();
        }

        @Override
        public int contextTokens() {
            return Math.addExact(tokens.size(), task.maxTokens());
        }
    }
}
