package io.octavo.jobs.queue;

import java.util.UUID;

/**
 * The right to write for a job. It names the attempt, which is the fencing token: once a newer attempt exists, or the
 * job was taken back, every write with this lease is refused.
 */
public record Lease(UUID jobId, int attempt) {}
