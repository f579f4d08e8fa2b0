package io.octavo.worker.run;

import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A score and the limits that a gate sets it.
 *
 * @param passed false too for a score that is no number
 */
record GateResult(
        String metric,
        String task,
        double value,
        @Nullable Double min,
        @Nullable Double max,
        boolean passed) {

    /** Why the job fails; empty if all gates are passed. */
    static Optional<Failure> failure(List<GateResult> gates) {
        List<GateResult> failed = gates.stream().filter(gate -> !gate.passed()).toList();
        return failed.isEmpty()
                ? Optional.empty()
                : Optional.of(Failure.of(
                        ProblemCode.GATE_FAILED,
                        failed.stream().map(GateResult::sentence).collect(Collectors.joining("; "))));
    }

    ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance
                .objectNode()
                .put("metric", metric)
                .put("task", task)
                .put("value", value);
        if (min != null) {
            json.put("min", min);
        }
        if (max != null) {
            json.put("max", max);
        }
        return json.put("passed", passed);
    }

    private String sentence() {
        String allowed = min == null ? "at most " + max : max == null ? "at least " + min : min + " to " + max;
        return metric + " of task " + task + " is " + value + "; the gate allows " + allowed;
    }
}
