package io.octavo.jobs.spec;

import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Score a checkpoint, beside a baseline if one is given.
 *
 * @param tasks at least one, with distinct names; divergence needs a baseline
 * @param gates what the scores must hold, or the job fails
 */
public record EvaluateSpec(
        SourceUri source,
        @Nullable SourceUri baseline,
        List<TaskSpec> tasks,
        List<GateSpec> gates,
        String device,
        Scheduling scheduling)
        implements JobSpec {

    public static final String TYPE = "evaluate";

    public EvaluateSpec {
        tasks = List.copyOf(tasks);
        gates = List.copyOf(gates);
    }

    @Override
    public String type() {
        return TYPE;
    }

    @Override
    public List<SourceUri> sources() {
        return Stream.of(source, baseline).filter(Objects::nonNull).toList();
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
        if (!gates.isEmpty()) {
            ArrayNode limits = json.putArray("gates");
            gates.forEach(gate -> limits.add(gate.toJson()));
        }
        return scheduling.writeTo(json.put("device", device));
    }
}
