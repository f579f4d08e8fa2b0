package io.octavo.jobs.spec;

import java.util.List;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Jobs that run in the order of what they need of each other; those that need nothing of each other run side by side.
 *
 * @param steps at least one, with distinct names, without cycles
 * @param scheduling priority and labels, which the steps take over unless they say otherwise
 */
public record PipelineSpec(List<Step> steps, Scheduling scheduling) implements JobSpec {

    public static final String TYPE = "pipeline";

    static final int MAX_STEPS = 32;

    private static final List<String> SOURCE_MEMBERS = List.of("source", "baseline");

    /**
     * @param needs names of steps that must have succeeded before
     * @param job no pipeline itself
     */
    public record Step(String name, List<String> needs, JobSpec job) {

        public Step {
            needs = List.copyOf(needs);
        }

        ObjectNode toJson() {
            ObjectNode json = JsonNodeFactory.instance.objectNode().put("name", name);
            if (!needs.isEmpty()) {
                needs.forEach(json.putArray("needs")::add);
            }
            json.set("job", job.toJson());
            return json;
        }
    }

    public PipelineSpec {
        steps = List.copyOf(steps);
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

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("type", TYPE);
        ArrayNode array = json.putArray("steps");
        steps.forEach(step -> array.add(step.toJson()));
        return scheduling.writeTo(json);
    }
}
