package io.octavo.cli.client;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A job as the service shows it.
 *
 * @param progress share of the work done, 0 to 1
 * @param attempt how often a worker has claimed it
 * @param result depends on the type; absent until the job has succeeded
 * @param problem why it failed
 */
public record JobView(
        UUID id,
        String type,
        JobStatus status,
        @Nullable String phase,
        double progress,
        int attempt,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant finishedAt,
        JsonNode spec,
        @Nullable JsonNode result,
        @Nullable JsonNode problem,
        @Nullable String worker) {

    /** Why the job failed, in one line. */
    public String problemLine() {
        return problem == null || problem.isNull()
                ? "no reason given"
                : Problem.of(problem).line();
    }
}
