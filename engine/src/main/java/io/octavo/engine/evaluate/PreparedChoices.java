package io.octavo.engine.evaluate;

import io.octavo.engine.dataset.Datasets;
import io.octavo.engine.dataset.Mmlu;
import io.octavo.engine.dataset.Whitespace;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.request.EvaluationTask;
import io.octavo.engine.request.TaskResult;
import io.octavo.engine.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Every choice of every item as a sequence, in order.
 *
 * @param sections items by subject; one without a name where there are no subjects
 */
record PreparedChoices(EvaluationTask.MultipleChoice task, List<Mmlu.Section> sections, List<ScoredSequence> sequences)
        implements PreparedTask {

    static PreparedChoices prepare(EvaluationTask.MultipleChoice task, Tokenizer tokenizer, ModelSpec spec) {
        int limit = task.maxItems().orElse(Integer.MAX_VALUE);
        List<Mmlu.Section> sections = switch (task.format()) {
            case EvaluationTask.ChoiceFormat.Jsonl jsonl ->
                List.of(new Mmlu.Section("", Datasets.items(task.items(), limit)));
            case EvaluationTask.ChoiceFormat.MmluCsv csv -> Mmlu.read(task.items(), csv.fewShot(), limit);
        };
        List<ScoredSequence> sequences = new ArrayList<>();
        for (Mmlu.Section section : sections) {
            for (Datasets.Item item : section.items()) {
                int[] prefix =
                        item.context().isEmpty() ? spec.prefixTokenId().stream().toArray() : null;
                int contextTokens = prefix == null
                        ? tokenizer.encodeComplete(Whitespace.stripTrailing(item.context())).length
                        : prefix.length;
                for (String choice : item.choices()) {
                    String whole = item.context() + " " + choice;
                    int[] tokens = prefix == null
                            ? tokenizer.encodeComplete(whole)
                            : IntStream.concat(IntStream.of(prefix), IntStream.of(tokenizer.encode(whole)))
                                    .toArray();
                    sequences.add(sequence(tokens, contextTokens, task, spec));
                }
            }
        }
        if (sequences.isEmpty()) {
            throw new QuantizationException(ErrorCode.DATASET_INVALID, "dataset " + task.name() + " has no items");
        }
        return new PreparedChoices(task, sections, sequences);
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
                    "dataset " + task.name() + " has a choice of " + sequence.scoredTokens() + " tokens, the model has "
                            + spec.maxPositions() + " positions");
        }
        return sequence;
    }

    /** @param sums negative log-likelihoods of the sequences */
    TaskResult result(double[] sums, Duration duration) {
        List<Score> scores = new ArrayList<>();
        int at = 0;
        for (Mmlu.Section section : sections) {
            var score = new Score(section.subject());
            for (Datasets.Item item : section.items()) {
                score.add(item, sums, at);
                at += item.choices().size();
            }
            scores.add(score);
        }
        Score all = Score.sum(task.name(), scores.stream());
        boolean bySubject = task.format() instanceof EvaluationTask.ChoiceFormat.MmluCsv;
        return new TaskResult.MultipleChoice(
                task.name(),
                all.items,
                all.share(all.correct),
                all.share(all.correctByBytes),
                all.share(all.correctByCharacters),
                bySubject ? scores.stream().map(Score::subject).toList() : List.of(),
                bySubject ? categories(scores) : List.of(),
                duration);
    }

    private static List<TaskResult.Subject> categories(List<Score> scores) {
        return Stream.of(Mmlu.Category.values())
                .map(category -> Score.sum(
                        category.key(),
                        scores.stream().filter(score -> category.subjects().contains(score.name))))
                .filter(score -> score.items > 0)
                .map(Score::subject)
                .toList();
    }

    /** Counts of some items. */
    private static final class Score {

        private final String name;
        private int items;
        private int correct;
        private int correctByBytes;
        private int correctByCharacters;

        Score(String name) {
            this.name = name;
        }

        void add(Datasets.Item item, double[] sums, int at) {
            items++;
            correct += best(item, sums, at, choice -> 1) == item.answer() ? 1 : 0;
            correctByBytes +=
                    best(item, sums, at, choice -> choice.getBytes(StandardCharsets.UTF_8).length) == item.answer()
                            ? 1
                            : 0;
            correctByCharacters +=
                    best(item, sums, at, choice -> choice.codePointCount(0, choice.length())) == item.answer() ? 1 : 0;
        }

        /** The first of those whose loss, divided by their length, is least. */
        private static int best(Datasets.Item item, double[] sums, int at, ToDoubleFunction<String> length) {
            int best = 0;
            double least = Double.POSITIVE_INFINITY;
            for (int i = 0; i < item.choices().size(); i++) {
                double loss = sums[at + i] / length.applyAsDouble(item.choices().get(i));
                if (loss < least) {
                    least = loss;
                    best = i;
                }
            }
            return best;
        }

        static Score sum(String name, Stream<Score> scores) {
            var sum = new Score(name);
            scores.forEach(score -> {
                sum.items += score.items;
                sum.correct += score.correct;
                sum.correctByBytes += score.correctByBytes;
                sum.correctByCharacters += score.correctByCharacters;
            });
            return sum;
        }

        TaskResult.Subject subject() {
            return new TaskResult.Subject(name, items, share(correct));
        }

        double share(int count) {
            return (double) count / items;
        }
    }

    @Override
    public int steps() {
        return sequences.size();
    }

    @Override
    public int contextTokens() {
        return sequences.stream().mapToInt(ScoredSequence::inputTokens).max().orElse(1);
    }
}
