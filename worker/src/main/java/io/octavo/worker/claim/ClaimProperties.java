package io.octavo.worker.claim;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param name what people call this worker
 * @param exclusiveName no other worker of this name can be alive, so its earlier lives are known to be dead
 * @param labels that jobs may ask for
 * @param heartbeat how often a lease is renewed
 * @param poll how often to look for jobs even if nothing woke the worker
 * @param deployments how many models are served at once, beside the one job that a worker does at a time
 * @param stopTimeout how long a stopping worker waits for its job to reach a checkpoint
 */
@Validated
@ConfigurationProperties("octavo.worker")
public record ClaimProperties(
        @NotBlank @DefaultValue("worker") String name,
        @DefaultValue("false") boolean exclusiveName,
        @DefaultValue Map<String, String> labels,
        @DefaultValue("1s") Duration heartbeat,
        @DefaultValue("2s") Duration poll,
        @Min(0) @Max(64) @DefaultValue("1") int deployments,
        @DefaultValue("10s") Duration stopTimeout) {

    public ClaimProperties {
        labels = Map.copyOf(labels);
    }
}
