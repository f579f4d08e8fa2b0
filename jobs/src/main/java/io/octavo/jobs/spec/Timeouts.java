package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How long a job may take.
 *
 * @param job from its first start to its end, with all attempts and the rests between them
 * @param phase for each phase of an attempt, such as {@code fetch} or {@code quantize}
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record Timeouts(
        @JsonProperty("timeout") @JsonPropertyDescription("of the job: an ISO 8601 duration from PT1S to PT720H")
        Optional<Duration> job,

        @JsonProperty("phaseTimeout") @JsonPropertyDescription("of each of its phases, likewise")
        Optional<Duration> phase) {

    public static final Timeouts NONE = new Timeouts(Optional.empty(), Optional.empty());

    public Timeouts {
        job = Objects.requireNonNullElse(job, Optional.empty());
        phase = Objects.requireNonNullElse(phase, Optional.empty());
    }
}
