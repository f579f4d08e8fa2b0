package io.octavo.worker;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Pattern;
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
 * @param transfers how many files of a job are brought or stored at once
 * @param threads for engines; 0 means one a processor
 * @param device of this worker: {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; one process serves one GPU
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
        @Min(1) @Max(64) @DefaultValue("4") int transfers,
        @Min(0) @DefaultValue("0") int threads,

        @Pattern(regexp = "auto|cpu|cuda(:[0-9]{1,3})?") @DefaultValue("auto")
        String device,

        @DefaultValue Map<String, String> labels,
        @DefaultValue("1s") Duration heartbeat,
        @DefaultValue("2s") Duration poll,
        @DefaultValue("10s") Duration stopTimeout) {

    public WorkerProperties {
        labels = Map.copyOf(labels);
    }

    /** What a job that asks for {@code wanted} gets: the processor where it asks for that, this worker's device otherwise. */
    public String engineDevice(String wanted) {
        boolean needsGpu = wanted.equals("cuda");
        return wanted.equals("cpu") || (needsGpu && !device.startsWith("cuda")) ? wanted : device;
    }

    /** Threads to open engines with: the configured number, or one a processor. */
    public int engineThreads() {
        return threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    }
}
