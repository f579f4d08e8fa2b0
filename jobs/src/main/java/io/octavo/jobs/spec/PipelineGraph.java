package io.octavo.jobs.spec;

import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.PipelineSpec.Step;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Refuses steps that could never run in any order, each for its own reason. */
final class PipelineGraph {

    private final List<Step> steps;
    private final Map<String, Step> byName = new HashMap<>();

    private PipelineGraph(List<Step> steps) {
        this.steps = steps;
    }

    /** @throws ProblemException with the code of the first thing that is wrong */
    static void check(List<Step> steps) {
        var graph = new PipelineGraph(steps);
        graph.requireDistinctNames();
        for (int i = 0; i < steps.size(); i++) {
            graph.requireKnownNeeds(steps.get(i), "steps[" + i + "]");
            graph.requireUsableSources(steps.get(i), "steps[" + i + "]");
        }
        graph.requireNoCycle();
    }

    private void requireDistinctNames() {
        for (int i = 0; i < steps.size(); i++) {
            String name = steps.get(i).name();
            if (byName.put(name, steps.get(i)) != null) {
                throw problem(
                        ProblemCode.PIPELINE_STEP_DUPLICATE,
                        "steps[" + i + "].name",
                        "is the name of an earlier step: " + name);
            }
        }
    }

    private void requireKnownNeeds(Step step, String place) {
        Set<String> distinct = new HashSet<>();
        for (String need : step.needs()) {
            if (need.equals(step.name())) {
                throw problem(ProblemCode.PIPELINE_SELF_NEED, place + ".needs", "names the step itself: " + need);
            }
            requireStep(need, place + ".needs");
            if (!distinct.add(need)) {
                throw problem(ProblemCode.PIPELINE_STEP_DUPLICATE, place + ".needs", "names a step twice: " + need);
            }
        }
    }

    private Step requireStep(String name, String place) {
        Step step = byName.get(name);
        if (step == null) {
            throw problem(
                    ProblemCode.PIPELINE_STEP_UNKNOWN,
                    place,
                    "names no step of this pipeline: " + name + "; steps are "
                            + String.join(", ", steps.stream().map(Step::name).toList()));
        }
        return step;
    }

    private void requireUsableSources(Step step, String place) {
        for (SourceUri source : step.job().sources()) {
            if (source instanceof SourceUri.Step used) {
                Step maker = requireStep(used.name(), place + ".job");
                if (!step.needs().contains(used.name())) {
                    throw problem(
                            ProblemCode.PIPELINE_NEED_MISSING,
                            place + ".needs",
                            "must name step " + used.name() + ", whose artifact the job reads as " + used);
                }
                if (!makesArtifact(maker.job())) {
                    throw problem(
                            ProblemCode.PIPELINE_STEP_WITHOUT_ARTIFACT,
                            place + ".job",
                            "reads " + used + ", but a step of type "
                                    + maker.job().type() + " makes no artifact");
                }
            }
        }
    }

    private static boolean makesArtifact(JobSpec job) {
        return switch (job) {
            case QuantizeSpec quantize -> true;
            case ConvertSpec convert -> true;
            case EvaluateSpec evaluate -> false;
            case BenchmarkSpec benchmark -> false;
            case PipelineSpec pipeline -> false;
            case ServeSpec deployment -> false;
        };
    }

    /** Takes away what could run until nothing is left, or only what waits for itself. */
    private void requireNoCycle() {
        Set<String> left = new LinkedHashSet<>(steps.stream().map(Step::name).toList());
        boolean removed = true;
        while (removed) {
            removed = left.removeIf(name -> byName.containsKey(name)
                    && byName.get(name).needs().stream().noneMatch(left::contains));
        }
        if (!left.isEmpty()) {
            throw problem(
                    ProblemCode.PIPELINE_CYCLE,
                    "steps",
                    "need each other in a circle, so that none of these can ever run: " + String.join(", ", left));
        }
    }

    private static ProblemException problem(ProblemCode code, String field, String message) {
        return new ProblemException(
                code, field + " " + message, Map.of("errors", List.of(new FieldError(field, message))));
    }
}
