package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import com.fasterxml.jackson.annotation.JsonRootName;
import io.octavo.jobs.problem.FieldError;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotEmpty;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Jobs that run in the order of what they need of each other; those that need nothing of each other run side by side.
 *
 * @param steps at least one, with distinct names, without cycles
 * @param priority which the steps take over unless they say otherwise, as they do the labels
 */
@JsonRootName("PipelineJob")
public record PipelineSpec(
        @NotEmpty(message = "must name at least one step") @Size(max = MAX_STEPS) List<@NotNull @Valid Step> steps,

        @Min(-1000) @Max(1000) int priority,

        @Size(max = 16) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        Map<
                        @Size(max = 64) @Pattern(regexp = "[^:]*", message = Scheduling.LABEL_NAME) String,
                        @NotNull @Size(max = 64) String>
                labels)
        implements JobSpec {

    public static final String TYPE = "pipeline";

    static final int MAX_STEPS = 32;

    private static final List<String> SOURCE_MEMBERS = List.of("source", "baseline");

    /**
     * @param needs names of steps that must have succeeded before
     * @param job no pipeline itself
     */
    @JsonRootName("PipelineJobStep")
    public record Step(
            @NotNull @Pattern(regexp = StepName.PATTERN, message = StepName.MESSAGE) @JsonPropertyDescription("letters, digits, '.', '_' or '-'")
            String name,

            @JsonInclude(JsonInclude.Include.NON_EMPTY)
            @Size(max = MAX_STEPS) @JsonPropertyDescription("names of steps that must succeed before")
            List<@NotNull @Size(max = StepName.MAX_LENGTH) String> needs,

            @NotNull @Valid SingleJobSpec job) {

        public Step {
            needs = SpecJson.list(needs);
        }
    }

    public PipelineSpec {
        steps = SpecJson.list(steps);
        labels = SpecJson.map(labels);
    }

    /** Takes priority and labels of the scheduling; a pipeline runs nowhere itself. */
    public PipelineSpec(List<Step> steps, Scheduling shared) {
        this(steps, shared.priority(), shared.labels());
    }

    @Override
    public Scheduling scheduling() {
        return Scheduling.untimed(priority, Requirements.NONE, labels);
    }

    @Override
    public List<FieldError> contradictions() {
        List<FieldError> errors = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            String place = "steps[" + i + "].job";
            steps.get(i).job().contradictions().forEach(wrong -> errors.add(wrong.below(place)));
        }
        return errors;
    }

    /** The same pipeline, whose steps say themselves what they take over. */
    static JsonNode inherited(JsonNode pipeline) {
        requireFew(pipeline.path("steps").size());
        JsonNode full = pipeline.deepCopy();
        for (JsonNode step : full.path("steps")) {
            if (step.path("job") instanceof ObjectNode job) {
                inherit(job, full);
            }
        }
        return full;
    }

    static void inherit(ObjectNode job, JsonNode from) {
        if (from.hasNonNull("priority") && !job.hasNonNull("priority")) {
            job.set("priority", from.get("priority"));
        }
        if (from.get("labels") instanceof ObjectNode shared) {
            if (!job.hasNonNull("labels")) {
                job.set("labels", shared);
            } else if (job.get("labels") instanceof ObjectNode own) {
                job.set("labels", shared.deepCopy().setAll(own));
            }
        }
    }

    static void requireFew(int steps) {
        if (steps > MAX_STEPS) {
            String message = "must have at most " + MAX_STEPS + " steps: " + steps;
            throw new ProblemException(
                    ProblemCode.PIPELINE_TOO_LARGE,
                    "a pipeline " + message,
                    Map.of("errors", List.of(new FieldError("steps", message))));
        }
    }

    /**
     * The spec of a step with artifacts in place of the steps that make them.
     *
     * @param uriOf the artifact of a step
     */
    public static ObjectNode resolve(ObjectNode spec, UnaryOperator<String> uriOf) {
        ObjectNode resolved = spec.deepCopy();
        for (String member : SOURCE_MEMBERS) {
            JsonNode value = spec.path(member);
            if (value.isString() && SourceUri.parse(value.stringValue()) instanceof SourceUri.Step step) {
                resolved.put(member, uriOf.apply(step.name()));
            }
        }
        return resolved;
    }

    @Override
    public String type() {
        return TYPE;
    }

    /** Its steps have some; it has none. */
    @Override
    public List<SourceUri> sources() {
        return List.of();
    }
}
