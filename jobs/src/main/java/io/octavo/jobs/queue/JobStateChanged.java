package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A job has reached a state; published inside the transaction that takes it there.
 *
 * @param parent the pipeline that it is a step of
 */
public record JobStateChanged(
        TenantId tenant,
        UUID jobId,
        String type,
        JobStatus status,
        int attempt,
        JobView.@Nullable JobProblem problem,
        @Nullable UUID parent) {}
