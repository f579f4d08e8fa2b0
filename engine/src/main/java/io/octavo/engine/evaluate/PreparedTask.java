package io.octavo.engine.evaluate;

import io.octavo.engine.chat.ChatTemplate;
import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** A task whose texts are tokens already, so that the model can be loaded for just what they need. */
sealed interface PreparedTask {

    /** Units of progress. */
    int steps();

    /** The longest context that the task needs. */
    int contextTokens();

    static PreparedTask prepare(EvaluationTask task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
        return switch (task) {
            case EvaluationTask.Perplexity perplexity -> Windows.prepare(perplexity, tokenizer, spec, chats);
            case EvaluationTask.Divergence divergence -> Pairs.prepare(divergence, tokenizer, spec, chats);
            case EvaluationTask.MultipleChoice choice -> Choices.prepare(choice, tokenizer, spec);
            case EvaluationTask.Generation generation -> Prompt.prepare(generation, tokenizer, spec);
        };
    }

    /** Perplexity windows, each with its prefix token. */
    record Windows(EvaluationTask.Perplexity task, List<ScoredSequence> windows) implements PreparedTask {

        static Windows prepare(
                EvaluationTask.Perplexity task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
            return new Windows(
                    task,
                    cutWindows(
                            task.name(), task.text(), task.windowTokens(), task.maxWindows(), tokenizer, spec, chats));
        }

        TaskResult result(double[] sums, Duration duration) {
            long tokens =
                    windows.stream().mapToLong(ScoredSequence::scoredTokens).sum();
            double mean =
                    IntStream.range(0, sums.length).mapToDouble(i -> sums[i]).sum() / tokens;
            return new TaskResult.Perplexity(
                    task.name(), windows.size(), task.windowTokens(), mean, Math.exp(mean), duration);
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

    /** The same windows for a model that is compared with another. */
    record Pairs(EvaluationTask.Divergence task, List<ScoredSequence> windows) implements PreparedTask {

        static Pairs prepare(EvaluationTask.Divergence task, Tokenizer tokenizer, ModelSpec spec, ChatTemplate chats) {
            return new Pairs(
                    task,
                    cutWindows(
                            task.name(), task.text(), task.windowTokens(), task.maxWindows(), tokenizer, spec, chats));
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
                    scorer.largest(),
                    scorer.agreement(),
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

    private static List<ScoredSequence> cutWindows(
            String name,
            Path text,
            int windowTokens,
            OptionalInt maxWindows,
            Tokenizer tokenizer,
            ModelSpec spec,
            ChatTemplate chats) {
        int limit = maxWindows.orElse(Integer.MAX_VALUE);
        List<ScoredSequence> windows = new ArrayList<>();
        for (Datasets.Text part : Datasets.texts(text, chats)) {
            int[] ids = tokenizer.encode(part.text());
            // Each window has the prefix before it, which the first one of a rendered chat would have twice.
            boolean prefixed =
                    part.complete() && ids.length > 0 && spec.prefixTokenId().equals(OptionalInt.of(ids[0]));
            int[] own = prefixed ? Arrays.copyOfRange(ids, 1, ids.length) : ids;
            for (int[] window : TextWindows.cut(own, windowTokens, limit - windows.size())) {
                windows.add(new ScoredSequence(withPrefix(spec, window), 1));
            }
        }
        if (windows.isEmpty()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID, "dataset " + name + " has no window of " + windowTokens + " tokens");
        }
        if (windowTokens > spec.maxPositions()) {
            throw new QuantizationException(
                    ErrorCode.DATASET_INVALID,
                    "windowTokens " + windowTokens + " exceeds the model's " + spec.maxPositions() + " positions");
        }
        return windows;
    }

    /** Every choice of every item as a sequence, in order. */
    record Choices(EvaluationTask.MultipleChoice task, List<Datasets.Item> items, List<ScoredSequence> sequences)
            implements PreparedTask {

        static Choices prepare(EvaluationTask.MultipleChoice task, Tokenizer tokenizer, ModelSpec spec) {
            List<Datasets.Item> items =
                    Datasets.items(task.items(), task.maxItems().orElse(Integer.MAX_VALUE));
            if (items.isEmpty()) {
                throw new QuantizationException(ErrorCode.DATASET_INVALID, "dataset " + task.name() + " has no items");
            }
            List<ScoredSequence> sequences = new ArrayList<>();
            for (Datasets.Item item : items) {
                int contextTokens = withPrefix(spec, tokenizer.encode(item.context())).length;
                for (String choice : item.choices()) {
                    int[] whole = withPrefix(spec, tokenizer.encode(item.context() + " " + choice));
                    sequences.add(sequence(whole, contextTokens, task, spec));
                }
            }
            return new Choices(task, items, sequences);
        }

        /** Where joining changes the last context token so that nothing is left to score, the last token counts. */
        private static ScoredSequence sequence(
                int[] tokens, int contextTokens, EvaluationTask.MultipleChoice task, ModelSpec spec) {
            if (tokens.length < 2) {
                throw new QuantizationException(
                        ErrorCode.DATASET_INVALID, "dataset " + task.name() + " has an item of fewer than two tokens");
            }
            int first = Math.clamp(contextTokens, 1, tokens.length - 1);
            ScoredSequence sequence = new ScoredSequence(tokens, first).keepLast(spec.maxPositions());
            if (sequence.inputTokens() > spec.maxPositions()) {
                throw new QuantizationException(
                        ErrorCode.DATASET_INVALID,
                        "dataset " + task.name() + " has a choice of " + sequence.scoredTokens()
                                + " tokens, the model has " + spec.maxPositions() + " positions");
            }
            return sequence;
        }

        TaskResult result(double[] sums, Duration duration) {
            int correct = 0;
            int correctNormalized = 0;
            int at = 0;
            for (Datasets.Item item : items) {
                int best = at;
                int bestNormalized = at;
                for (int i = at; i < at + item.choices().size(); i++) {
                    best = sums[i] < sums[best] ? i : best;
                    double normalized = sums[i] / bytes(item.choices().get(i - at));
                    double leader = sums[bestNormalized] / bytes(item.choices().get(bestNormalized - at));
                    bestNormalized = normalized < leader ? i : bestNormalized;
                }
                correct += best - at == item.answer() ? 1 : 0;
                correctNormalized += bestNormalized - at == item.answer() ? 1 : 0;
                at += item.choices().size();
            }
            double count = items.size();
            return new TaskResult.MultipleChoice(
                    task.name(), items.size(), correct / count, correctNormalized / count, duration);
        }

        private static int bytes(String choice) {
            return choice.getBytes(StandardCharsets.UTF_8).length;
        }

        @Override
        public int steps() {
            return sequences.size();
        }

        @Override
        public int contextTokens() {
            return sequences.stream()
                    .mapToInt(ScoredSequence::inputTokens)
                    .max()
                    .orElse(1);
        }
    }

    /** A prompt to continue. */
    record Prompt(EvaluationTask.Generation task, List<Integer> tokens) implements PreparedTask {

        static Prompt prepare(EvaluationTask.Generation task, Tokenizer tokenizer, ModelSpec spec) {
            int[] tokens = withPrefix(spec, tokenizer.encode(task.prompt()));
            return new Prompt(task, IntStream.of(tokens).boxed().toList());
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

    private static int[] withPrefix(ModelSpec spec, int[] ids) {
        return IntStream.concat(spec.prefixTokenId().stream(), IntStream.of(ids))
                .toArray();
    }
}
