package io.octavo.api.job;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param streamPoll how often an event stream looks for events even if nothing woke it
 * @param streamKeepAlive how often a silent event stream sends a comment
 * @param streamsPerTenant event streams of one tenant that may be open at once in this process: each asks the database
 */
@ConfigurationProperties("octavo.api")
public record StreamProperties(
        @DefaultValue("1s") Duration streamPoll,
        @DefaultValue("15s") Duration streamKeepAlive,
        @DefaultValue("200") int streamsPerTenant) {}
