package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.spec.PipelineSpec.Step;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A quantize job with {@code schemes} in place of {@code scheme}: it stands for a pipeline of a quantize job for each
 * scheme, and an evaluation of what each made if {@code evaluate} tells of one. What it shares with a quantize job is
 * read with the jobs that it becomes.
 */
@JsonIgnoreProperties(ignoreUnknown = true)
record SchemeList(
        @NotEmpty(message = "must name at least one scheme") @Size(max = 2 * PipelineSpec.MAX_STEPS) List<@NotNull @Size(max = StepName.MAX_LENGTH) String> schemes,

        @NotNull @Size(max = SourceUri.MAX_LENGTH) String target,
        @Nullable JsonNode scheme,
        @Nullable JsonNode evaluate) {

    private static final String SCHEMES = "schemes";
    private static final String EVALUATE = "evaluate";
    private static final String SCHEME_IN_TARGET = "{scheme}";
    private static final String EVALUATION_SUFFIX = "-evaluate";

    SchemeList {
        schemes = SpecJson.list(schemes);
    }

    static boolean isOne(ObjectNode job) {
        return job.path("type").asString("").equals(QuantizeSpec.TYPE) && job.hasNonNull(SCHEMES);
    }

    static PipelineSpec expand(ObjectNode job) {
        SchemeList list = SpecJson.read(job, "", SchemeList.class);
        SpecJson.throwIfAny(list.contradictions());
        ObjectNode evaluation = list.evaluate instanceof ObjectNode template ? template : null;
        PipelineSpec.requireFew(evaluation == null ? list.schemes.size() : 2 * list.schemes.size());
        List<Step> steps = new ArrayList<>();
        for (String scheme : list.schemes) {
            ObjectNode one = job.deepCopy().without(List.of(SCHEMES, EVALUATE));
            one.put("scheme", scheme).put("target", list.target.replace(SCHEME_IN_TARGET, scheme));
            steps.add(new Step(scheme, List.of(), SpecJson.read(one, "", SingleJobSpec.class)));
        }
        Scheduling shared = steps.getFirst().job().scheduling();
        if (evaluation != null) {
            for (String scheme : list.schemes) {
                ObjectNode one = evaluation.deepCopy().put("type", EvaluateSpec.TYPE);
                one.put("source", new SourceUri.Step(scheme).toString());
                PipelineSpec.inherit(one, job);
                steps.add(new Step(
                        scheme + EVALUATION_SUFFIX,
                        List.of(scheme),
                        SpecJson.read(one, EVALUATE, SingleJobSpec.class)));
            }
        }
        PipelineGraph.check(steps);
        return new PipelineSpec(steps, shared);
    }

    private List<FieldError> contradictions() {
        List<FieldError> errors = new ArrayList<>();
        Set<String> distinct = new HashSet<>();
        for (int i = 0; i < schemes.size(); i++) {
            String place = SCHEMES + "[" + i + "]";
            if (!distinct.add(schemes.get(i))) {
                errors.add(new FieldError(place, "is listed twice: " + schemes.get(i)));
            }
            if (!StepName.is(schemes.get(i))) {
                errors.add(new FieldError(place, "is no scheme's name"));
            }
        }
        if (!target.contains(SCHEME_IN_TARGET)) {
            errors.add(new FieldError(
                    "target", "must hold " + SCHEME_IN_TARGET + ", so that each scheme has its own repository"));
        }
        if (scheme != null && !scheme.isNull()) {
            errors.add(new FieldError("scheme", "is given by schemes already"));
        }
        if (evaluate != null && !evaluate.isNull() && !evaluate.isObject()) {
            errors.add(new FieldError(EVALUATE, "must be an object"));
        }
        for (String ours : List.of("type", "source")) {
            if (evaluate != null && evaluate.has(ours)) {
                errors.add(
                        new FieldError(EVALUATE + "." + ours, "is given already: it evaluates what each scheme makes"));
            }
        }
        return errors;
    }
}
