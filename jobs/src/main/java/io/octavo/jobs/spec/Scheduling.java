package io.octavo.jobs.spec;

import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a job asks of the queue, and what it is found by there.
 *
 * @param priority a point is worth a minute of waiting
 * @param labels that listings can be filtered by; they mean nothing to the service
 */
public record Scheduling(int priority, Requirements requirements, Timeouts timeouts, Map<String, String> labels) {

    public Scheduling {
        labels = Map.copyOf(labels);
    }

    public static Scheduling of(int priority) {
        return new Scheduling(priority, Requirements.NONE, Timeouts.NONE, Map.of());
    }

    /** What the steps of a pipeline take over from each other: priority and labels, and nothing of a single job. */
    Scheduling shared() {
        return new Scheduling(priority, Requirements.NONE, Timeouts.NONE, labels);
    }

    /** What is not asked for is left out, so that a worker of the release before can still read the spec. */
    ObjectNode writeTo(ObjectNode json) {
        json.put("priority", priority);
        if (!requirements.isNone()) {
            json.set("requirements", requirements.toJson());
        }
        timeouts.writeTo(json);
        if (!labels.isEmpty()) {
            ObjectNode object = json.putObject("labels");
            new TreeMap<>(labels).forEach(object::put); // in order, so that equal specs have equal text
        }
        return json;
    }
}
