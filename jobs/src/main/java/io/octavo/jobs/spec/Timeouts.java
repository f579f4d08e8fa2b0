package io.octavo.jobs.spec;

import java.time.Duration;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * How long a job may take.
 *
 * @param job from its first start to its end, with all attempts and the rests between them
 * @param phase for each phase of an attempt, such as {@code fetch} or {@code quantize}
 */
public record Timeouts(Optional<Duration> job, Optional<Duration> phase) {

    public static final Timeouts NONE = new Timeouts(Optional.empty(), Optional.empty());

    void writeTo(ObjectNode json) {
        job.ifPresent(limit -> json.put("timeout", limit.toString()));
        phase.ifPresent(limit -> json.put("phaseTimeout", limit.toString()));
    }
}
