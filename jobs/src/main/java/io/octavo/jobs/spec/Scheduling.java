package io.octavo.jobs.spec;

import tools.jackson.databind.node.ObjectNode;

/**
 * What a job asks of the queue.
 *
 * @param priority a point is worth a minute of waiting
 */
public record Scheduling(int priority, Requirements requirements, Timeouts timeouts) {

    public static Scheduling of(int priority) {
        return new Scheduling(priority, Requirements.NONE, Timeouts.NONE);
    }

    /** What is not asked for is left out, so that a worker of the release before can still read the spec. */
    ObjectNode writeTo(ObjectNode json) {
        json.put("priority", priority);
        if (!requirements.isNone()) {
            json.set("requirements", requirements.toJson());
        }
        timeouts.writeTo(json);
        return json;
    }
}
