package io.octavo.api.plan;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/** @param preFlightTimeout how long a job waits for a look at its sources before it is queued without one */
@ConfigurationProperties("octavo.api")
public record PlanProperties(@DefaultValue("10s") Duration preFlightTimeout) {}
