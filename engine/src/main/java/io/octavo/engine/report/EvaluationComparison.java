package io.octavo.engine.report;

import io.octavo.engine.request.EvaluationMetric;
import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.TaskResult;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Scores of a model beside those of its baseline. */
public record EvaluationComparison(
        EvaluationResult source, @Nullable EvaluationResult baseline) {

    /** Those that compare with the baseline. */
    private static final List<String> COMPARING = List.of(
            EvaluationMetric.PERPLEXITY_RATIO,
            EvaluationMetric.ACCURACY_DIFFERENCE,
            EvaluationMetric.RECOVERY,
            EvaluationMetric.DIVERGENCE_MEAN,
            EvaluationMetric.DIVERGENCE_PERCENTILE99,
            EvaluationMetric.DIVERGENCE_AGREEMENT,
            EvaluationMetric.SMOKE);

    /** {@code source}, {@code baseline} (or null), {@code comparison} and, where there is one, {@code recovery}. */
    public ObjectNode toJson() {
        ObjectNode report = JsonNodeFactory.instance.objectNode();
        report.set("source", EvaluationJson.scores(source));
        report.set("baseline", baseline == null ? report.nullNode() : EvaluationJson.scores(baseline));
        ArrayNode comparison = report.putArray("comparison");
        for (TaskResult task : source.tasks()) {
            for (String metric : COMPARING) {
                score(metric, task)
                        .ifPresent(value -> comparison
                                .addObject()
                                .put("metric", metric)
                                .put("task", task.name())
                                .put("value", value));
            }
        }
        recovery().ifPresent(value -> report.put(EvaluationMetric.RECOVERY, value));
        return report;
    }

    /**
     * Share of the baseline's scores that is kept: the mean over multiple-choice tasks, or, where there are none, over
     * perplexities. Empty without a baseline.
     */
    public OptionalDouble recovery() {
        OptionalDouble accuracy = recoveries(TaskResult.MultipleChoice.class).average();
        return accuracy.isPresent()
                ? accuracy
                : recoveries(TaskResult.Perplexity.class).average();
    }

    private DoubleStream recoveries(Class<? extends TaskResult> type) {
        return source.tasks().stream()
                .filter(type::isInstance)
                .flatMapToDouble(task -> score(EvaluationMetric.RECOVERY, task).stream());
    }

    /** Empty where the task has no such score, or the baseline none to compare with. */
    public OptionalDouble score(String metric, TaskResult now) {
        return switch (now) {
            case TaskResult.Perplexity perplexity -> perplexity(metric, perplexity);
            case TaskResult.MultipleChoice choice -> accuracy(metric, choice);
            case TaskResult.Divergence divergence -> divergence(metric, divergence);
            case TaskResult.Generation generation -> OptionalDouble.empty();
            case TaskResult.Smoke smoke ->
                metric.equals(EvaluationMetric.SMOKE)
                        ? OptionalDouble.of(smoke.passed() ? 1 : 0)
                        : OptionalDouble.empty();
        };
    }

    private OptionalDouble perplexity(String metric, TaskResult.Perplexity now) {
        double score = now.perplexity();
        double before = before(now) instanceof TaskResult.Perplexity then ? then.perplexity() : Double.NaN;
        return switch (metric) {
            case EvaluationMetric.PERPLEXITY -> OptionalDouble.of(score);
            case EvaluationMetric.PERPLEXITY_RATIO -> comparable(before, score / before);
            case EvaluationMetric.RECOVERY -> comparable(before, before / score);
            default -> OptionalDouble.empty();
        };
    }

    private OptionalDouble accuracy(String metric, TaskResult.MultipleChoice now) {
        double score = now.accuracy();
        double before = before(now) instanceof TaskResult.MultipleChoice then ? then.accuracy() : Double.NaN;
        return switch (metric) {
            case EvaluationMetric.ACCURACY -> OptionalDouble.of(score);
            case EvaluationMetric.ACCURACY_DIFFERENCE -> comparable(before, score - before);
            case EvaluationMetric.RECOVERY -> before == 0 ? OptionalDouble.empty() : comparable(before, score / before);
            default -> OptionalDouble.empty();
        };
    }

    private static OptionalDouble comparable(double before, double value) {
        return Double.isNaN(before) ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    private static OptionalDouble divergence(String metric, TaskResult.Divergence now) {
        return switch (metric) {
            case EvaluationMetric.DIVERGENCE_MEAN -> OptionalDouble.of(now.divergence());
            case EvaluationMetric.DIVERGENCE_PERCENTILE99 -> OptionalDouble.of(now.percentile99());
            case EvaluationMetric.DIVERGENCE_AGREEMENT -> OptionalDouble.of(now.agreement());
            default -> OptionalDouble.empty();
        };
    }

    /** The baseline's score on the same task, if it has one. */
    private @Nullable TaskResult before(TaskResult now) {
        return baseline == null
                ? null
                : baseline.tasks().stream()
                        .filter(task -> task.name().equals(now.name()))
                        .findFirst()
                        .orElse(null);
    }
}
