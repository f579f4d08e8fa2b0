package io.octavo.worker.run;

import io.octavo.engine.request.EvaluationResult;
import io.octavo.engine.request.SamplingOptions;
import io.octavo.engine.request.TaskResult;
import io.octavo.jobs.spec.GateSpec;
import io.octavo.jobs.spec.TaskSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Scores of a model beside those of its baseline, in the shape of the contract. */
record EvaluationReport(
        JsonMapper json, EvaluationResult source, @Nullable EvaluationResult baseline) {

    ObjectNode toJson() {
        ObjectNode report = json.createObjectNode();
        report.set("source", scores(source));
        report.set("baseline", baseline == null ? json.nullNode() : scores(baseline));
        report.set("comparison", comparison());
        return report;
    }

    private ObjectNode scores(EvaluationResult result) {
        ObjectNode scores = json.createObjectNode().put("label", result.label());
        ArrayNode tasks = scores.putArray("tasks");
        result.tasks().forEach(task -> tasks.add(score(task)));
        return scores;
    }

    private ObjectNode score(TaskResult result) {
        ObjectNode score = switch (result) {
            case TaskResult.Perplexity perplexity ->
                object(TaskSpec.Perplexity.TYPE, result)
                        .put("windows", perplexity.windows())
                        .put("windowTokens", perplexity.windowTokens())
                        .put("negativeLogLikelihood", perplexity.negativeLogLikelihood())
                        .put("perplexity", perplexity.perplexity());
            case TaskResult.MultipleChoice choice ->
                object(TaskSpec.MultipleChoice.TYPE, result)
                        .put("items", choice.items())
                        .put("accuracy", choice.accuracy())
                        .put("accuracyNormalized", choice.accuracyNormalized());
            case TaskResult.Divergence divergence ->
                object(TaskSpec.Divergence.TYPE, result)
                        .put("windows", divergence.windows())
                        .put("windowTokens", divergence.windowTokens())
                        .put("divergence", divergence.divergence())
                        .put("largestDivergence", divergence.largestDivergence())
                        .put("agreement", divergence.agreement());
            case TaskResult.Generation generation -> generation(generation);
        };
        return score.put("seconds", Seconds.of(result.duration()));
    }

    private ObjectNode generation(TaskResult.Generation generation) {
        ObjectNode score = object(TaskSpec.Generation.TYPE, generation)
                .put("prompt", generation.prompt())
                .put("text", generation.text())
                .put("newTokens", generation.newTokens());
        SamplingOptions sampling = generation.sampling();
        if (!sampling.equals(SamplingOptions.greedy())) {
            score.putObject("sampling")
                    .put("temperature", sampling.temperature())
                    .put("topK", sampling.topK())
                    .put("topP", sampling.topP())
                    .put("minP", sampling.minP())
                    .put("repetitionPenalty", sampling.repetitionPenalty())
                    .put("seed", sampling.seed());
        }
        return score;
    }

    private ObjectNode object(String type, TaskResult result) {
        return json.createObjectNode().put("type", type).put("name", result.name());
    }

    private ArrayNode comparison() {
        ArrayNode comparison = json.createArrayNode();
        for (TaskResult task : source.tasks()) {
            for (String metric : GateSpec.COMPARING) {
                score(metric, task, before(task)).ifPresent(value -> comparison.add(difference(metric, task, value)));
            }
        }
        return comparison;
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

    private ObjectNode difference(String metric, TaskResult task, double value) {
        return json.createObjectNode()
                .put("metric", metric)
                .put("task", task.name())
                .put("value", value);
    }

    /** Every score that a gate is about, beside its limits. */
    List<GateResult> judge(List<GateSpec> gates) {
        List<GateResult> results = new ArrayList<>();
        for (GateSpec gate : gates) {
            for (TaskResult now : source.tasks()) {
                OptionalDouble value = score(gate.metric(), now, before(now));
                if (value.isPresent() && (gate.task() == null || gate.task().equals(now.name()))) {
                    results.add(result(gate, now.name(), value.getAsDouble()));
                }
            }
        }
        return results;
    }

    private static GateResult result(GateSpec gate, String task, double value) {
        boolean passed = (gate.min() == null || value >= gate.min()) && (gate.max() == null || value <= gate.max());
        return new GateResult(gate.metric(), task, value, gate.min(), gate.max(), passed);
    }

    /** Empty where the task has no such score. */
    private static OptionalDouble score(String metric, TaskResult now, @Nullable TaskResult then) {
        if (now instanceof TaskResult.Perplexity perplexity) {
            return switch (metric) {
                case GateSpec.PERPLEXITY -> OptionalDouble.of(perplexity.perplexity());
                case GateSpec.PERPLEXITY_RATIO ->
                    then instanceof TaskResult.Perplexity before
                            ? OptionalDouble.of(perplexity.perplexity() / before.perplexity())
                            : OptionalDouble.empty();
                default -> OptionalDouble.empty();
            };
        }
        if (now instanceof TaskResult.MultipleChoice choice) {
            return switch (metric) {
                case GateSpec.ACCURACY -> OptionalDouble.of(choice.accuracy());
                case GateSpec.ACCURACY_DIFFERENCE ->
                    then instanceof TaskResult.MultipleChoice before
                            ? OptionalDouble.of(choice.accuracy() - before.accuracy())
                            : OptionalDouble.empty();
                default -> OptionalDouble.empty();
            };
        }
        if (now instanceof TaskResult.Divergence divergence) {
            return switch (metric) {
                case GateSpec.DIVERGENCE_MEAN -> OptionalDouble.of(divergence.divergence());
                case GateSpec.DIVERGENCE_AGREEMENT -> OptionalDouble.of(divergence.agreement());
                default -> OptionalDouble.empty();
            };
        }
        return OptionalDouble.empty();
    }

    /** The scores of the source as single numbers. */
    Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (TaskResult result : source.tasks()) {
            switch (result) {
                case TaskResult.Perplexity perplexity ->
                    metrics.put(result.name() + ".perplexity", perplexity.perplexity());
                case TaskResult.Divergence divergence -> {
                    metrics.put(result.name() + ".divergence", divergence.divergence());
                    metrics.put(result.name() + ".agreement", divergence.agreement());
                }
                case TaskResult.MultipleChoice choice -> metrics.put(result.name() + ".accuracy", choice.accuracy());
                case TaskResult.Generation generation ->
                    metrics.put(result.name() + ".newTokens", (double) generation.newTokens());
            }
        }
        return metrics;
    }
}
