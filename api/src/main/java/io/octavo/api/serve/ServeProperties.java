package io.octavo.api.serve;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param callsPerTenant calls of one tenant that may be on their way at once in this process
 * @param connectTimeout how long a worker may take to be reached
 * @param answerTimeout how long it may take to begin an answer; a stream begins within seconds
 * @param silence how long it may pause within one; a stream that has nothing to tell says so every ten seconds
 */
@ConfigurationProperties("octavo.api.serve")
public record ServeProperties(
        @DefaultValue("256") int callsPerTenant,
        @DefaultValue("5s") Duration connectTimeout,
        @DefaultValue("10m") Duration answerTimeout,
        @DefaultValue("60s") Duration silence) {}
