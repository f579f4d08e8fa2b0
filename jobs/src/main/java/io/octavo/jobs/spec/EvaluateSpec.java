package io.octavo.jobs.spec;

import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Score a checkpoint, beside a baseline if one is given.
 *
 * @param tasks at least one, with distinct names; divergence needs a baseline
 */
public record EvaluateSpec(
        SourceUri source, @Nullable SourceUri baseline, List<TaskSpec> tasks, String device, Scheduling scheduling)
        implements JobSpec {

    public static final String TYPE = "evaluate";

    public EvaluateSpec {
        tasks = List.copyOf(tasks);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public Requirements requirements() {
        return Devices.require(device, scheduling.requirements());
    }

    @Override
    public ObjectNode toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", TYPE).put("source", source.toString());
        if (baseline != null) {
            json.put("baseline", baseline.toString());
        }
        ArrayNode array = json.putArray("tasks");
        tasks.forEach(task -> array.add(task.toJson()));
        return scheduling.writeTo(json.put("device", device));
    }
}
