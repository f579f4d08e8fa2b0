package io.octavo.jobs.queue;

import io.octavo.jobs.spec.JobSpec;

/** A job handed to a worker. */
public record Claim(Lease lease, JobSpec spec) {}
