package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Keeps pipelines in step with their jobs, in the transactions that change those. What a pipeline is follows from its
 * steps alone, so that following once more changes nothing.
 */
@Component
@Transactional(propagation = Propagation.MANDATORY)
class Pipelines {

    private final PipelineRepository pipelines;
    private final JobRepository jobs;
    private final Lanes lanes;
    private final JobLog log;
    private final JobSpecReader reader;
    private final JsonMapper json;

    Pipelines(
            PipelineRepository pipelines,
            JobRepository jobs,
            Lanes lanes,
            JobLog log,
            JobSpecReader reader,
            JsonMapper json) {
        this.pipelines = pipelines;
        this.jobs = jobs;
        this.lanes = lanes;
        this.log = log;
        this.reader = reader;
        this.json = json;
    }

    /** Stores the steps of a new pipeline; those that need nothing are ready at once. */
    void submitSteps(Job pipeline, PipelineSpec spec, FoundPlans plans, int maxAttempts, Instant now) {
        for (PipelineSpec.Step step : spec.steps()) {
            int lane = step.needs().isEmpty() ? lanes.of(step.job().requirements()) : Lanes.NOBODY;
            FoundPlans.Found found = plans.steps().getOrDefault(step.name(), FoundPlans.Found.NOTHING);
            Job job = new Job(pipeline, step, lane, maxAttempts, now);
            job.plan(found, json);
            store(job);
        }
    }

    /** Locks the pipeline that a job is a step of, if it is one, so that the job may be locked and changed next. */
    void lockOf(UUID jobId) {
        pipelines.pipelineOf(jobId).ifPresent(jobs::lock);
    }

    /** The same for a job of this tenant; nobody else's pipeline is locked. */
    void lockOf(TenantId tenant, UUID jobId) {
        pipelines.pipelineOf(tenant.value(), jobId).ifPresent(jobs::lock);
    }

    /** The same for who has the step already: false, and nothing is locked, while somebody else has the pipeline. */
    boolean tryLockOf(Job step) {
        return step.parent().map(id -> pipelines.tryLock(id).isPresent()).orElse(true);
    }

    /** A step is about to start, and its pipeline with it; false while somebody else is changing the pipeline. */
    boolean start(Job step, Instant now) {
        Optional<UUID> waiting = step.parent().filter(pipelines::isQueued);
        if (waiting.isEmpty()) {
            return true;
        }
        Optional<Job> pipeline = pipelines.tryLock(waiting.get());
        pipeline.ifPresent(found -> {
            found.start(now);
            store(found);
        });
        return pipeline.isPresent();
    }

    /** The step has changed; the caller has locked its pipeline. */
    void follow(Job step, Instant now) {
        if (step.parent().isPresent() && step.status().isTerminal()) {
            jobs.lock(step.parent().get()).ifPresent(pipeline -> {
                log.step(pipeline, step);
                advance(pipeline, now);
            });
        }
    }

    /**
     * Brings pipelines up to date whose steps were ended by a release that knows no pipelines.
     *
     * @return how many
     */
    int catchUp(Instant now) {
        List<UUID> behind = pipelines.lockBehind();
        behind.forEach(id -> jobs.lock(id).ifPresent(pipeline -> advance(pipeline, now)));
        return behind.size();
    }

    /** Cancels what has not ended of a locked pipeline; what runs ends when its worker learns of it. */
    void cancel(Job pipeline, Instant now) {
        pipeline.requestStepsCancel();
        for (Job step : pipelines.lockSteps(pipeline.id())) {
            if (!step.status().isTerminal()) {
                step.requestCancel(now);
                store(step);
                log.step(pipeline, step);
            }
        }
        if (!advance(pipeline, now)) {
            store(pipeline);
        }
    }

    /** Queues again what failed, was cancelled or was left out of a locked pipeline; what succeeded stays. */
    void retry(Job pipeline, Instant now, int maxAttempts) {
        pipeline.retry(now, maxAttempts);
        for (Job step : pipelines.lockSteps(pipeline.id())) {
            if (step.status() != JobStatus.SUCCEEDED) {
                step.retry(now, maxAttempts);
                step.block();
                store(step);
            }
        }
        if (!advance(pipeline, now)) {
            store(pipeline);
        }
    }

    /**
     * Releases steps whose needs are met, leaves out those whose needs can no longer be met, and ends the pipeline when
     * all of its steps have ended.
     *
     * @return whether the pipeline's own state changed
     */
    private boolean advance(Job pipeline, Instant now) {
        Map<String, Job> steps = new LinkedHashMap<>();
        pipelines.steps(List.of(pipeline.id())).forEach(step -> steps.put(step.step(), step));
        boolean moved = true;
        while (moved) {
            moved = false;
            for (Job step : steps.values()) {
                moved |= step.isBlocked() && advance(pipeline, step, steps, now);
            }
        }
        return settle(pipeline, steps, now);
    }

    private boolean advance(Job pipeline, Job step, Map<String, Job> steps, Instant now) {
        List<Job> needs = step.needs().stream().map(steps::get).toList();
        Optional<Job> lost = needs.stream()
                .filter(need -> need.status().isTerminal() && need.status() != JobStatus.SUCCEEDED)
                .findFirst();
        if (lost.isPresent()) {
            step.leaveOut(
                    "step " + lost.get().step() + ", which this one needs, ended as "
                            + lost.get().status(),
                    now);
            store(step);
        } else if (needs.stream().allMatch(need -> need.status() == JobStatus.SUCCEEDED)) {
            release(step, steps, now);
        } else {
            return false;
        }
        log.step(pipeline, step);
        return true;
    }

    /** A step that cannot be read with what its needs made is left out, rather than holding all others up. */
    private void release(Job step, Map<String, Job> steps, Instant now) {
        ObjectNode spec = (ObjectNode) json.readTree(step.spec());
        ObjectNode resolved = PipelineSpec.resolve(spec, name -> artifactOf(steps, name));
        try {
            int lane = lanes.of(reader.readStored(resolved).requirements());
            step.release(resolved.toString(), lane, now);
            jobs.saveAndFlush(step);
            log.released(step);
        } catch (ProblemException e) {
            step.leaveOut("its needs succeeded, but do not give what it reads: " + e.detail(), now);
            store(step);
        }
    }

    /** Empty if there is none. */
    private String artifactOf(Map<String, Job> steps, String name) {
        Job maker = steps.get(name);
        JsonNode result = maker == null || maker.result() == null ? json.nullNode() : json.readTree(maker.result());
        return result.path("uri").asString("");
    }

    private boolean settle(Job pipeline, Map<String, Job> steps, Instant now) {
        boolean started = pipeline.status() == JobStatus.QUEUED
                && steps.values().stream().anyMatch(step -> step.status() == JobStatus.RUNNING);
        if (started) {
            pipeline.start(now);
        }
        boolean ended = steps.values().stream().allMatch(step -> step.status().isTerminal());
        if (ended) {
            end(pipeline, steps, now);
        }
        if (started || ended) {
            store(pipeline);
        }
        return started || ended;
    }

    private void end(Job pipeline, Map<String, Job> steps, Instant now) {
        List<Job> failed = having(steps, JobStatus.FAILED);
        List<Job> cancelled = having(steps, JobStatus.CANCELLED);
        if (failed.isEmpty() && cancelled.isEmpty()) {
            pipeline.succeedWith(resultOf(steps).toString(), now);
        } else if (pipeline.cancelRequested() || failed.isEmpty()) {
            String why = pipeline.cancelRequested()
                    ? ""
                    : "step " + cancelled.getFirst().step() + " was cancelled";
            pipeline.cancelledWith(why, now);
        } else {
            Job first = failed.getFirst();
            JobView.JobProblem problem = first.problem();
            String why = problem == null ? "" : ": " + problem.detail() + " [" + problem.code() + "]";
            pipeline.failWith(
                    "step " + first.step() + " failed" + why, failed.stream().allMatch(Job::deadLetter), now);
        }
    }

    private static List<Job> having(Map<String, Job> steps, JobStatus status) {
        return steps.values().stream().filter(step -> step.status() == status).toList();
    }

    /** What each step's job answers, by the steps' names. */
    private ObjectNode resultOf(Map<String, Job> steps) {
        ObjectNode result = json.createObjectNode();
        ObjectNode byStep = result.putObject("steps");
        steps.forEach((name, step) -> {
            if (step.result() != null) {
                byStep.set(name, json.readTree(step.result()));
            }
        });
        return result;
    }

    /** Why steps wait for others, for those of these jobs that do. */
    Map<UUID, JobView.Waiting> reasons(Collection<UUID> blocked) {
        if (blocked.isEmpty()) {
            return Map.of();
        }
        Map<UUID, List<String>> open = new HashMap<>();
        pipelines
                .openNeeds(blocked)
                .forEach(need -> open.computeIfAbsent(need.jobId(), id -> new ArrayList<>())
                        .add("step " + need.step() + " (" + need.status() + ")"));
        return open.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey,
                        entry -> new JobView.Waiting("needs", "waits for " + String.join(", ", entry.getValue()))));
    }

    /** The steps of these pipelines. */
    Map<UUID, List<Job>> stepsOf(Collection<UUID> found) {
        return found.isEmpty()
                ? Map.of()
                : pipelines.steps(found).stream()
                        .collect(Collectors.groupingBy(step -> step.parent().orElseThrow()));
    }

    private void store(Job job) {
        jobs.saveAndFlush(job);
        log.state(job);
    }
}
