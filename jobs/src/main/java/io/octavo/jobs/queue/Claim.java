package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.JobSpec;
import java.time.Duration;
import java.util.Optional;

/**
 * A job handed to a worker.
 *
 * @param tenant whose job it is: what it may read, and who gets what it makes
 * @param timeLeft until the job's timeout, by the database's clock; not positive once it has passed
 */
public record Claim(Lease lease, TenantId tenant, JobSpec spec, Optional<Duration> timeLeft) {

    /** Without a timeout. */
    public Claim(Lease lease, TenantId tenant, JobSpec spec) {
        this(lease, tenant, spec, Optional.empty());
    }
}
