package io.octavo.api.job;

import io.octavo.jobs.queue.JobRecord;
import io.octavo.jobs.queue.JobStatus;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A job as clients see it. */
record JobView(
        UUID id,
        String type,
        JobStatus status,
        @Nullable String phase,
        double progress,
        int attempt,
        boolean cancelRequested,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        JsonNode spec,
        @Nullable JsonNode result,
        JobRecord.@Nullable JobProblem problem,
        @Nullable String worker,
        boolean deadLetter,
        JobRecord.@Nullable Waiting waiting,
        @Nullable UUID parent,
        @Nullable String step,
        List<JobRecord.Step> steps) {

    static JobView of(JobRecord job) {
        return new JobView(
                job.id(),
                job.type(),
                job.status(),
                job.phase(),
                job.progress(),
                job.attempt(),
                job.cancelRequested(),
                job.createdAt(),
                job.startedAt(),
                job.finishedAt(),
                job.spec(),
                job.result(),
                job.problem(),
                job.worker(),
                job.deadLetter(),
                job.waiting(),
                job.parent(),
                job.step(),
                job.steps());
    }
}
