package io.octavo.worker.run;

import io.octavo.engine.report.EvaluationComparison;
import io.octavo.engine.request.TaskResult;
import io.octavo.jobs.spec.GateSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** What an evaluate job tells of its scores beside their JSON: how its gates judge them, and its metrics. */
record EvaluationReport(EvaluationComparison scores) {

    /** Every score that a gate is about, beside its limits. */
    List<GateResult> judge(List<GateSpec> gates) {
        List<GateResult> results = new ArrayList<>();
        for (GateSpec gate : gates) {
            for (TaskResult now : scores.source().tasks()) {
                OptionalDouble value = scores.score(gate.metric(), now);
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

    /** The scores of the source as single numbers. */
    Map<String, Double> metrics() {
        Map<String, Double> metrics = new LinkedHashMap<>();
        for (TaskResult result : scores.source().tasks()) {
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
                case TaskResult.Smoke smoke -> metrics.put(result.name() + ".smoke", smoke.passed() ? 1.0 : 0.0);
            }
        }
        scores.recovery().ifPresent(recovery -> metrics.put("recovery", recovery));
        return metrics;
    }
}
