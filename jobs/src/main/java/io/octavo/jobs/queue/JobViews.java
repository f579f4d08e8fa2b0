package io.octavo.jobs.queue;

import io.octavo.jobs.queue.JobEventRepository.Position;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.PlanSummary;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Shows jobs as records.
 *
 * @param steps of the pipelines among the jobs
 * @param positions of all jobs and steps
 * @param waiting of those that are queued, but for pipelines
 */
record JobViews(
        Map<UUID, List<Job>> steps,
        Map<UUID, Position> positions,
        Map<UUID, JobView.Waiting> waiting,
        JsonMapper json) {

    JobView record(Job job) {
        List<Job> own = steps.getOrDefault(job.id(), List.of());
        Position position = positions.get(job.id());
        return new JobView(
                job.id(),
                job.type(),
                job.status(),
                position == null ? null : position.phase(),
                own.isEmpty()
                        ? progress(job)
                        : own.stream().mapToDouble(this::progress).average().orElse(0),
                job.attempt(),
                job.cancelRequested(),
                job.createdAt(),
                job.startedAt(),
                job.finishedAt(),
                json.readTree(job.spec()),
                job.plan() == null ? null : json.readValue(job.plan(), PlanSummary.class),
                job.result() == null ? null : json.readTree(job.result()),
                job.problem(),
                job.worker(),
                job.deadLetter(),
                own.isEmpty() ? waiting.get(job.id()) : waitingToStart(job, own),
                job.parent().orElse(null),
                job.parent().isPresent() ? job.step() : null,
                own.stream().map(this::step).toList());
    }

    private double progress(Job job) {
        Position position = positions.get(job.id());
        Double reached = position == null ? null : position.progress();
        return job.status() == JobStatus.SUCCEEDED ? 1.0 : Objects.requireNonNullElse(reached, 0.0);
    }

    private JobView.Step step(Job step) {
        return new JobView.Step(
                step.step(), step.id(), step.type(), step.status(), progress(step), step.needs(), step.problem());
    }

    /** A pipeline waits for what the first of its steps that could run waits for. */
    private JobView.@Nullable Waiting waitingToStart(Job pipeline, List<Job> own) {
        return own.stream()
                .filter(step -> pipeline.status() == JobStatus.QUEUED && !step.isBlocked())
                .filter(step -> waiting.containsKey(step.id()))
                .findFirst()
                .map(step -> {
                    JobView.Waiting first = Objects.requireNonNull(waiting.get(step.id()));
                    return new JobView.Waiting(first.code(), "step " + step.step() + ": " + first.detail());
                })
                .orElse(null);
    }
}
