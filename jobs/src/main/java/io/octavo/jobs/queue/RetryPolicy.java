package io.octavo.jobs.queue;

import io.octavo.jobs.problem.FailureKind;
import java.time.Duration;
import java.util.random.RandomGenerator;

/** How long a job rests before its next attempt: exponential with jitter, so that a crowd does not come back at once. */
final class RetryPolicy {

    private static final int MAX_DOUBLINGS = 20;

    private final QueueProperties properties;
    private final RandomGenerator random;

    RetryPolicy(QueueProperties properties, RandomGenerator random) {
        this.properties = properties;
        this.random = random;
    }

    /** @param attempts how many attempts have failed, at least 1 */
    Duration delay(FailureKind kind, int attempts) {
        Duration base = kind == FailureKind.RESOURCE ? properties.resourceBackoff() : properties.transientBackoff();
        long doubled = Math.min(
                base.toMillis() << Math.min(attempts - 1, MAX_DOUBLINGS),
                properties.maxBackoff().toMillis());
        return Duration.ofMillis((long) (doubled * random.nextDouble(0.5, 1.0)));
    }
}
