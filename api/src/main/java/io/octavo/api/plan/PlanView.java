package io.octavo.api.plan;

import io.octavo.engine.plan.EvaluationPlan;
import io.octavo.engine.plan.PlanReport;
import io.octavo.jobs.plan.JobPlan;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.wire.PlanSummary;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a job would do.
 *
 * @param spec with its defaults filled in
 * @param inputs sources and datasets, each once; of a quantize job its source first
 * @param quantization of a quantize job; null where its source could not be looked at
 * @param evaluations of an evaluate job: its source, its baseline, as far as they could be looked at
 * @param diskBytes of a worker's disk: the inputs' files, and at least what is written; null where it is not known, and of a
 *     pipeline
 * @param warnings of jobs other than quantize, whose {@code quantization} has its own
 * @param notChecked what was left to the worker
 * @param steps of a pipeline, each planned as a job of its own; empty for other jobs
 */
public record PlanView(
        JsonNode spec,
        List<JobPlan.Input> inputs,
        @Nullable PlanReport quantization,
        List<Evaluation> evaluations,
        @Nullable Long diskBytes,
        List<PlanReport.Warning> warnings,
        List<NotChecked> notChecked,
        List<Step> steps) {

    public PlanView {
        inputs = List.copyOf(inputs);
        evaluations = List.copyOf(evaluations);
        warnings = List.copyOf(warnings);
        notChecked = List.copyOf(notChecked);
        steps = List.copyOf(steps);
    }

    /** What is kept with the job. */
    public FoundPlans found() {
        return new FoundPlans(
                foundOfOne(),
                steps.stream()
                        .collect(
                                Collectors.toMap(Step::name, step -> step.plan().foundOfOne())));
    }

    private FoundPlans.Found foundOfOne() {
        return new FoundPlans.Found(summary(), diskBytes);
    }

    private @Nullable PlanSummary summary() {
        if (quantization == null) {
            return null;
        }
        PlanReport.Resources needs = quantization.resources();
        return new PlanSummary(
                inputs.getFirst().revision(),
                quantization.label(),
                quantization.weightBits(),
                quantization.inputBytes(),
                quantization.outputBytes(),
                new PlanSummary.Resources(needs.hostBytes(), needs.deviceBytes(), needs.diskBytes(), needs.seconds()));
    }

    /** @param plan of the step's job, as far as it can be told before the steps that it needs */
    public record Step(String name, List<String> needs, PlanView plan) {

        public Step {
            needs = List.copyOf(needs);
        }
    }

    /** One checkpoint that would be run. */
    public record Evaluation(String uri, EvaluationPlan checkpoint) {}

    /** @param reason why nothing is known of it yet */
    public record NotChecked(String uri, String reason) {}
}
