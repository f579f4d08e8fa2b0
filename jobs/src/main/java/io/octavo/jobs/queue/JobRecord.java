package io.octavo.jobs.queue;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A job as it stood at one moment.
 *
 * @param phase what its current attempt does
 * @param progress of its current attempt, 0 to 1
 * @param attempt how often it was claimed
 * @param problem why it failed, or why its last attempt did
 */
public record JobRecord(
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
        @Nullable JobProblem problem,
        @Nullable String worker) {

    public record JobProblem(String code, String detail) {}
}
