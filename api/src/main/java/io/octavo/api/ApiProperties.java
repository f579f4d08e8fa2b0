package io.octavo.api;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * @param maxJsonBody longest body of a call that takes JSON; uploads of files are not limited
 * @param preFlightTimeout how long a job waits for a look at its sources before it is queued without one
 * @param streamPoll how often an event stream looks for events even if nothing woke it
 * @param streamKeepAlive how often a silent event stream sends a comment
 */
@Validated
@ConfigurationProperties("octavo.api")
public record ApiProperties(
        @DefaultValue("8MB") DataSize maxJsonBody,
        @DefaultValue("10s") Duration preFlightTimeout,
        @DefaultValue("1s") Duration streamPoll,
        @DefaultValue("15s") Duration streamKeepAlive) {}
