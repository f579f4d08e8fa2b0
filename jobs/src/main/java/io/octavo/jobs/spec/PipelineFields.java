package io.octavo.jobs.spec;

import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.PipelineSpec.Step;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.node.ObjectNode;

/** Reads pipelines: those that are written out, and those that a list of schemes stands for. */
final class PipelineFields {

    static final String SCHEMES = "schemes";

    private static final String EVALUATE = "evaluate";
    private static final String SCHEME_IN_TARGET = "{scheme}";
    private static final String EVALUATION_SUFFIX = "-evaluate";

    /** Reads a job that is no pipeline. */
    @FunctionalInterface
    interface JobReader {
        /** @param inherited priority and labels where the job says nothing else */
        JobSpec read(Fields fields, List<FieldError> errors, Scheduling inherited);
    }

    private final List<FieldError> errors;
    private final JobReader jobs;

    PipelineFields(List<FieldError> errors, JobReader jobs) {
        this.errors = errors;
        this.jobs = jobs;
    }

    PipelineSpec read(Fields fields) {
        requireFew(fields.count("steps"));
        Scheduling scheduling = SchedulingFields.readShared(fields, Scheduling.of(0));
        List<Fields> objects = fields.objects("steps", PipelineSpec.MAX_STEPS);
        if (objects.isEmpty() && errors.isEmpty()) {
            fields.error("steps", "must name at least one step");
        }
        fields.rejectUnknown();
        JobSpecParser.throwIfAny(errors);
        List<Step> steps = objects.stream().map(step -> step(step, scheduling)).toList();
        PipelineGraph.check(steps);
        return new PipelineSpec(steps, scheduling);
    }

    private Step step(Fields fields, Scheduling inherited) {
        Optional<String> name = fields.parsed("name", true, StepName::require);
        List<String> needs = fields.texts("needs", PipelineSpec.MAX_STEPS, StepName.MAX_LENGTH);
        Optional<Fields> job = fields.object("job");
        if (job.isEmpty()) {
            fields.error("job", "is required");
        }
        fields.rejectUnknown();
        JobSpecParser.throwIfAny(errors);
        return new Step(name.orElseThrow(), needs, jobs.read(job.orElseThrow(), errors, inherited));
    }

    /**
     * A quantize job for each scheme of a list, and an evaluation of what each made if {@code evaluate} tells of one.
     *
     * @param body of a quantize job with {@code schemes} in place of {@code scheme}
     */
    PipelineSpec fanOut(ObjectNode body) {
        Fields fields = new Fields(body, "", errors);
        List<String> schemes = schemes(fields);
        String target = fields.text("target", SourceUri.MAX_LENGTH);
        if (!target.contains(SCHEME_IN_TARGET)) {
            fields.error("target", "must hold " + SCHEME_IN_TARGET + ", so that each scheme has its own repository");
        }
        if (fields.has("scheme")) {
            fields.error("scheme", "is given by schemes already");
        }
        Optional<Fields> evaluate = fields.object(EVALUATE);
        JobSpecParser.throwIfAny(errors);
        requireFew(evaluate.isPresent() ? 2 * schemes.size() : schemes.size());
        List<Step> steps = new ArrayList<>();
        for (String scheme : schemes) {
            ObjectNode one = body.deepCopy().without(List.of(SCHEMES, EVALUATE));
            one.put("scheme", scheme).put("target", target.replace(SCHEME_IN_TARGET, scheme));
            JobSpec quantize = jobs.read(new Fields(one, "", errors), errors, Scheduling.of(0));
            steps.add(new Step(scheme, List.of(), quantize));
        }
        Scheduling shared = steps.getFirst().job().scheduling().shared();
        if (evaluate.isPresent() && body.get(EVALUATE) instanceof ObjectNode template) {
            for (String scheme : schemes) {
                steps.add(evaluation(template, scheme, shared));
            }
        }
        PipelineGraph.check(steps);
        return new PipelineSpec(steps, shared);
    }

    private Step evaluation(ObjectNode template, String scheme, Scheduling shared) {
        ObjectNode job = template.deepCopy();
        Fields fields = new Fields(job, EVALUATE, errors);
        for (String ours : List.of("type", "source")) {
            if (job.has(ours)) {
                fields.error(ours, "is given already: it evaluates what each scheme makes");
            }
        }
        JobSpecParser.throwIfAny(errors);
        job.put("type", EvaluateSpec.TYPE).put("source", new SourceUri.Step(scheme).toString());
        return new Step(scheme + EVALUATION_SUFFIX, List.of(scheme), jobs.read(fields, errors, shared));
    }

    private static List<String> schemes(Fields fields) {
        List<String> schemes = fields.texts(SCHEMES, 2 * PipelineSpec.MAX_STEPS, StepName.MAX_LENGTH);
        if (schemes.isEmpty()) {
            fields.error(SCHEMES, "must name at least one scheme");
        }
        Set<String> distinct = new HashSet<>();
        for (int i = 0; i < schemes.size(); i++) {
            String place = SCHEMES + "[" + i + "]";
            if (!distinct.add(schemes.get(i))) {
                fields.error(place, "is listed twice: " + schemes.get(i));
            }
            try {
                StepName.require(schemes.get(i));
            } catch (IllegalArgumentException e) {
                fields.error(place, "is no scheme's name");
            }
        }
        return schemes;
    }

    private static void requireFew(int steps) {
        if (steps > PipelineSpec.MAX_STEPS) {
            String message = "must have at most " + PipelineSpec.MAX_STEPS + " steps: " + steps;
            throw new ProblemException(
                    ProblemCode.PIPELINE_TOO_LARGE,
                    "a pipeline " + message,
                    Map.of("errors", List.of(new FieldError("steps", message))));
        }
    }
}
