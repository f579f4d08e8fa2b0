package io.octavo.jobs.queue;

import io.octavo.jobs.spec.JobSpec;
import java.time.Duration;
import java.util.Optional;

/**
 * A job handed to a worker.
 *
 * @param timeLeft until the job's timeout, by the database's clock; not positive once it has passed
 */
public record Claim(Lease lease, JobSpec spec, Optional<Duration> timeLeft) {

    /** Without a timeout. */
    public Claim(Lease lease, JobSpec spec) {
        this(lease, spec, Optional.empty());
    }
}
