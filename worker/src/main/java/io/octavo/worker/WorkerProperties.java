package io.octavo.worker;

import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;
import org.springframework.validation.annotation.Validated;

/**
 * @param name what people call this worker
 * @param exclusiveName no other worker of this name can be alive, so its earlier lives are known to be dead
 * @param workDirectory scratch of jobs and the cache of inputs; one worker at a time
 * @param cacheSize how much of the inputs stays after their jobs
 * @param threads for engines; 0 means one a processor
 * @param labels that jobs may ask for
 * @param heartbeat how often a lease is renewed
 * @param poll how often to look for jobs even if nothing woke the worker
 * @param stopTimeout how long a stopping worker waits for its job to reach a checkpoint
 */
@Validated
@ConfigurationProperties("octavo.worker")
public record WorkerProperties(
        @NotBlank @DefaultValue("worker") String name,
        @DefaultValue("false") boolean exclusiveName,
        @DefaultValue("/var/lib/octavo/worker") Path workDirectory,
        @DefaultValue("50GB") DataSize cacheSize,
        @Min(0) @DefaultValue("0") int threads,
        @DefaultValue Map<String, String> labels,
        @DefaultValue("1s") Duration heartbeat,
        @DefaultValue("2s") Duration poll,
        @DefaultValue("10s") Duration stopTimeout) {

    public WorkerProperties {
        labels = Map.copyOf(labels);
    }

    /** Threads to open engines with: the configured number, or one a processor. */
    public int engineThreads() {
        return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }
}
