package io.octavo.jobs.spec;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import jakarta.validation.Valid;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.Pattern;
import jakarta.validation.constraints.Size;
import java.util.Map;
import java.util.Objects;

/**
 * What a job asks of the queue, and what it is found by there. What is not asked for is left out of the JSON, so that a
 * worker of the release before can still read the spec.
 *
 * @param priority a point is worth a minute of waiting
 * @param labels that listings can be filtered by; they mean nothing to the service
 */
public record Scheduling(
        @Min(-1000) @Max(1000) int priority,

        @Valid @JsonInclude(value = JsonInclude.Include.CUSTOM, valueFilter = Requirements.OmitNone.class)
        Requirements requirements,

        @JsonUnwrapped Timeouts timeouts,

        @Size(max = 16) @JsonInclude(JsonInclude.Include.NON_EMPTY)
        Map<@Size(max = 64) @Pattern(regexp = "[^:]*", message = LABEL_NAME) String, @Size(max = 64) String> labels) {

    static final String LABEL_NAME = "must have names without ':', which ends a name in filters";

    public Scheduling {
        requirements = Objects.requireNonNullElse(requirements, Requirements.NONE);
        timeouts = Objects.requireNonNullElse(timeouts, Timeouts.NONE);
        labels = SpecJson.map(labels);
    }
}
