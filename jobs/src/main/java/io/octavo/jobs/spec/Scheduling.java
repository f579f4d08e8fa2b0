package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * What a job asks of the queue, and what it is found by there. What is not asked for is left out of the JSON, so that a
 * worker of the release before can still read the spec.
 *
 * @param priority a point is worth a minute of waiting
 * @param timeout from the job's first start to its end, with all attempts and the rests between them
 * @param phaseTimeout for each phase of an attempt, such as {@code fetch} or {@code quantize}
 * @param labels that listings can be filtered by; they mean nothing to the service
 */
public record Scheduling(
        @Min(-1000) @Max(1000) int priority,

        @Valid @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = Requirements.OmitNone.class)
        Requirements requirements,

        @JsonInclude(JsonInclude.Include.NON_ABSENT)
        @JsonPropertyDescription("of the job: an ISO 8601 duration from PT1S to PT720H")
        Optional<Duration> timeout,

        @JsonInclude(JsonInclude.Include.NON_ABSENT) @JsonPropertyDescription("of each of its phases, likewise")
        Optional<Duration> phaseTimeout,

        @Size(max = 16) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        Map<@Size(max = 64) @Pattern(regexp = "[^:]*", message = LABEL_NAME) String, @NotNull @Size(max = 64) String>
                labels) {

    static final String LABEL_NAME = "must have names without ':', which ends a name in filters";

    public Scheduling {
        requirements = Objects.requireNonNullElse(requirements, Requirements.NONE);
        timeout = Objects.requireNonNullElse(timeout, Optional.empty());
        phaseTimeout = Objects.requireNonNullElse(phaseTimeout, Optional.empty());
        labels = SpecJson.map(labels);
    }

    /** However long it takes. */
    public static Scheduling untimed(int priority, Requirements requirements, Map<String, String> labels) {
        return new Scheduling(priority, requirements, Optional.empty(), Optional.empty(), labels);
    }
}
