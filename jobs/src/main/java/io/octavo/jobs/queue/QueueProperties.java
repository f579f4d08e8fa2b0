package io.octavo.jobs.queue;

import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * @param lease how long a claim holds without a heartbeat
 * @param maxAttempts how many attempts a job gets before it fails
 * @param transientBackoff wait before the second attempt after something outside failed; doubles each time
 * @param resourceBackoff the same after something was exhausted
 * @param maxBackoff the longest wait
 * @param maxRunning how many jobs of one tenant may run at once where its share names no other number; 0 for any
 * @param sweep how often expired leases are looked for
 * @param workerTimeout a worker that was not seen for so long counts as dead
 */
@Validated
@ConfigurationProperties("octavo.queue")
public record QueueProperties(
        @DefaultValue("30s") Duration lease,
        @Min(1) @DefaultValue("5") int maxAttempts,
        @DefaultValue("2s") Duration transientBackoff,
        @DefaultValue("15s") Duration resourceBackoff,
        @DefaultValue("5m") Duration maxBackoff,
        @Min(0) @DefaultValue("0") int maxRunning,
        @DefaultValue("500ms") Duration sweep,
        @DefaultValue("30s") Duration workerTimeout) {

    public QueueProperties {
        requirePositive("lease", lease);
        requirePositive("transient-backoff", transientBackoff);
        requirePositive("resource-backoff", resourceBackoff);
        requirePositive("max-backoff", maxBackoff);
        requirePositive("sweep", sweep);
        requirePositive("worker-timeout", workerTimeout);
    }

    /** How many jobs of a tenant may run where nothing else is said. */
    int runningLimit() {
        return maxRunning == 0 ? Integer.MAX_VALUE : maxRunning;
    }

    /** In seconds, as SQL takes it. */
    public double workerTimeoutSeconds() {
        return workerTimeout.toMillis() / 1000.0;
    }

    private static void requirePositive(String name, Duration duration) {
        if (duration.isNegative() || duration.isZero()) {
            throw new IllegalArgumentException("octavo.queue." + name + " must be positive: " + duration);
        }
    }
}
