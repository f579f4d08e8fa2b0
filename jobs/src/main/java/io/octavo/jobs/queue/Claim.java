package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.JobSpec;

/**
 * A job handed to a worker.
 *
 * @param tenant whose job it is: what it may read, and who gets what it makes
 */
public record Claim(Lease lease, TenantId tenant, JobSpec spec) {}
