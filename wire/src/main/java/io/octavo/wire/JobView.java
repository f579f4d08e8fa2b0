package io.octavo.wire;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A job as it stood at one moment, as the service stores it together and shows it.
 *
 * @param phase what its current attempt does
 * @param progress of its current attempt, 0 to 1; of a pipeline, the mean of its steps'
 * @param attempt how often it was claimed
 * @param plan what is known of it beforehand; null where it could not be looked at
 * @param problem why it failed, or why its last attempt did
 * @param deadLetter it failed because its attempts were used up, not because it cannot work
 * @param waiting why it does not run yet, if it is queued
 * @param parent the pipeline that it is a step of
 * @param step its name among the steps of that
 * @param steps of a pipeline, in its own order; empty for other jobs
 */
public record JobView(
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
        @Nullable PlanSummary plan,
        @Nullable JsonNode result,
        @Nullable JobProblem problem,
        @Nullable String worker,
        boolean deadLetter,
        @Nullable Waiting waiting,
        @Nullable UUID parent,
        @Nullable String step,
        List<Step> steps) {

    public JobView {
        steps = Objects.requireNonNullElse(steps, List.of());
    }

    /**
     * A step of a pipeline.
     *
     * @param needs names of steps that must succeed before
     * @param progress of its current attempt, 0 to 1
     * @param problem why it failed, was left out, or why its last attempt failed
     */
    public record Step(
            String name,
            UUID jobId,
            String type,
            JobStatus status,
            double progress,
            List<String> needs,
            @Nullable JobProblem problem) {

        public Step {
            needs = List.copyOf(needs);
        }
    }

    public record JobProblem(String code, String detail) {}

    /**
     * Why a job waits.
     *
     * @param code a stable slug: {@code needs}, {@code resting}, {@code no-worker}, {@code no-suitable-worker}, {@code no-disk}, {@code quota},
     *     {@code jobs-ahead} or {@code workers-busy}
     * @param detail one sentence for the user
     */
    public record Waiting(String code, String detail) {}
}
