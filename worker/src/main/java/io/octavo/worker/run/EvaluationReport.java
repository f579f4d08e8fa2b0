package io.octavo.worker.run;

import io.octavo.engine.EvaluationResult;
import io.octavo.engine.TaskResult;
import io.octavo.jobs.spec.TaskSpec;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
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
            case TaskResult.Generation generation ->
                object(TaskSpec.Generation.TYPE, result)
                        .put("prompt", generation.prompt())
                        .put("text", generation.text())
                        .put("newTokens", generation.newTokens());
        };
        return score.put("seconds", Seconds.of(result.duration()));
    }

    private ObjectNode object(String type, TaskResult result) {
        return json.createObjectNode().put("type", type).put("name", result.name());
    }

    private ArrayNode comparison() {
        ArrayNode comparison = json.createArrayNode();
        Map<String, TaskResult> before = new HashMap<>();
        if (baseline != null) {
            baseline.tasks().forEach(task -> before.put(task.name(), task));
        }
        for (TaskResult task : source.tasks()) {
            TaskResult other = before.get(task.name());
            if (task instanceof TaskResult.Perplexity now && other instanceof TaskResult.Perplexity then) {
                comparison.add(difference("perplexity.ratio", now, now.perplexity() / then.perplexity()));
            } else if (task instanceof TaskResult.MultipleChoice now
                    && other instanceof TaskResult.MultipleChoice then) {
                comparison.add(difference("accuracy.difference", now, now.accuracy() - then.accuracy()));
            } else if (task instanceof TaskResult.Divergence now) {
                comparison.add(difference("divergence.mean", now, now.divergence()));
                comparison.add(difference("divergence.agreement", now, now.agreement()));
            }
        }
        return comparison;
    }

    private ObjectNode difference(String metric, TaskResult task, double value) {
        return json.createObjectNode()
                .put("metric", metric)
                .put("task", task.name())
                .put("value", value);
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
