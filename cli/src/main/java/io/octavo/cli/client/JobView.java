package io.octavo.cli.client;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
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
 * @param waiting why it does not run yet
 * @param parent the pipeline that it is a step of
 * @param step its name among that pipeline's steps
 * @param steps of a pipeline
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
        @Nullable String worker,
        @Nullable JsonNode waiting,
        @Nullable UUID parent,
        @Nullable String step,
        @Nullable List<Step> steps) {

    /** A step of a pipeline. */
    public record Step(
            String name,
            UUID jobId,
            String type,
            JobStatus status,
            double progress,
            List<String> needs,
            @Nullable JsonNode problem) {

        /** Why the step did not succeed, in one line; empty where there is nothing to say. */
        public Optional<String> problemLine() {
            return status.terminal() && problem != null && !problem.isNull()
                    ? Optional.of(Problem.of(problem).line())
                    : Optional.empty();
        }
    }

    /** Of a pipeline, in its order; empty for other jobs. */
    public List<Step> stepsOrNone() {
        return steps == null ? List.of() : steps;
    }

    /** Why the job failed, in one line. */
    public String problemLine() {
        return problem == null || problem.isNull()
                ? "no reason given"
                : Problem.of(problem).line();
    }
}
