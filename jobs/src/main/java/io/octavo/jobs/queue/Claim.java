package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.wire.PlanSummary;
import java.time.Duration;
import java.util.Optional;

/**
 * A job handed to a worker.
 *
 * @param tenant whose job it is: what it may read, and who gets what it makes
 * @param plan what was found of it when it was submitted
 * @param timeLeft until the job's timeout, by the database's clock; not positive once it has passed
 * @param traceparent of the span that submitted the job, if that was traced
 */
public record Claim(
        Lease lease,
        TenantId tenant,
        JobSpec spec,
        Optional<PlanSummary> plan,
        Optional<Duration> timeLeft,
        Optional<String> traceparent) {}
