package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.wire.PlanSummary;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.BiConsumer;
import java.util.random.RandomGenerator;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The workers' side of the queue. A claim raises the job's attempt; that number is the fencing token which every later
 * write names. All times are the database's, so the clocks of workers do not matter.
 *
 * <p>Every method that takes a {@link Lease} throws {@link LeaseLostException} and writes nothing once it is lost.
 */
@Service
@Transactional
public class JobQueue {

    private final JobRepository jobs;
    private final ClaimRepository claims;
    private final JobLog log;
    private final Pipelines pipelines;
    private final Lanes lanes;
    private final QueueMetrics metrics;
    private final JobSpecReader reader;
    private final JsonMapper json;
    private final QueueProperties properties;
    private final RetryPolicy retries;

    JobQueue(
            JobRepository jobs,
            ClaimRepository claims,
            JobLog log,
            Pipelines pipelines,
            Lanes lanes,
            QueueMetrics metrics,
            JobSpecReader reader,
            JsonMapper json,
            QueueProperties properties) {
        this.jobs = jobs;
        this.claims = claims;
        this.log = log;
        this.pipelines = pipelines;
        this.lanes = lanes;
        this.metrics = metrics;
        this.reader = reader;
        this.json = json;
        this.properties = properties;
        this.retries = new RetryPolicy(properties, RandomGenerator.getDefault());
    }

    /**
     * Hands out the job that is next for this worker, by what it registered that it offers; empty when none is ready.
     * Tenants take turns within their shares; a tenant's own jobs go by priority and age.
     */
    public Optional<Claim> claim(WorkerIdentity worker, Collection<String> types) {
        return claims.lockClaims(types)
                .flatMap(now -> claims.candidates(worker.id(), types, properties.runningLimit()).stream()
                        .map(claims::lockQueued)
                        .flatMap(Optional::stream)
                        .map(job -> hand(job, worker, now))
                        .flatMap(Optional::stream)
                        .findFirst());
    }

    /** Empty for a step whose pipeline is being changed at this moment, and for a spec that only others can read. */
    private Optional<Claim> hand(Job job, WorkerIdentity worker, Instant now) {
        JobSpec spec;
        try {
            spec = reader.readStored(json.readTree(job.spec()));
        } catch (ProblemException | JacksonException e) {
            leaveToOthers(job, worker, String.valueOf(e.getMessage()), now);
            return Optional.empty();
        }
        if (!pipelines.start(job, now)) {
            return Optional.empty();
        }
        claim(job, worker, now);
        jobs.flush();
        log.claimed(job);
        return Optional.of(new Claim(
                job.lease(),
                job.tenant(),
                spec,
                Optional.ofNullable(job.plan()).map(plan -> json.readValue(plan, PlanSummary.class)),
                job.timeLeft(spec.scheduling(), now),
                Optional.ofNullable(job.traceparent())));
    }

    private void claim(Job job, WorkerIdentity worker, Instant now) {
        metrics.claimed(job.type(), job.readyFor(now));
        job.claim(worker, now, properties.lease());
    }

    /** A spec that this release cannot read is a later one's to run; it costs an attempt, so that it does not go on for ever. */
    private void leaveToOthers(Job job, WorkerIdentity worker, String why, Instant now) {
        if (pipelines.tryLockOf(job)) {
            claim(job, worker, now);
            job.fail(
                    Failure.of(
                            ProblemCode.SPEC_UNREADABLE, "worker " + worker.name() + " cannot read the spec: " + why),
                    now,
                    retries,
                    properties.maxAttempts());
            store(job, now);
        }
    }

    /**
     * Takes back jobs whose workers stopped renewing their leases.
     *
     * @return how many
     */
    public int reclaimExpired() {
        return loseWorkers(claims.lockExpired());
    }

    /**
     * Takes back all jobs of workers with this name. Only for who knows that none of them is alive.
     *
     * @return how many
     */
    public int reclaimFrom(String workerName) {
        claims.lockPipelinesOf(workerName);
        return loseWorkers(claims.lockRunningOf(workerName));
    }

    private int loseWorkers(List<UUID> lost) {
        if (!lost.isEmpty()) {
            Instant now = jobs.now();
            jobs.findAllByIdInOrderById(lost).forEach(job -> {
                job.loseWorker(now);
                store(job, now);
                metrics.ended(job);
            });
            metrics.leasesExpired(lost.size());
        }
        return lost.size();
    }

    /** Renews the lease. */
    public Heartbeat heartbeat(Lease lease) {
        return claims.renew(lease.jobId(), lease.attempt(), properties.lease().toMillis() / 1000.0)
                .map(Heartbeat::new)
                .orElseThrow(() -> new LeaseLostException(lease));
    }

    /** What lasts as long as it is wanted has a full set of attempts again, once it has done well for a while. */
    public void forgetAttempts(Lease lease) {
        if (claims.forgetAttempts(lease.jobId(), lease.attempt(), properties.maxAttempts()) == 0) {
            throw new LeaseLostException(lease);
        }
    }

    /** How long a lease lasts without a heartbeat. */
    public Duration leaseDuration() {
        return properties.lease();
    }

    /** Until when nothing can be ready unless a new job arrives; empty when no job rests. */
    @Transactional(readOnly = true)
    public Optional<Duration> untilAvailable() {
        return claims.secondsUntilAvailable()
                .map(seconds -> Duration.ofMillis(Math.max(0, (long) Math.ceil(seconds * 1000))));
    }

    public void phase(Lease lease, String phase) {
        log.append(lease, EventType.PHASE, object().put("phase", phase));
    }

    public void progress(Lease lease, double progress) {
        log.append(lease, EventType.PROGRESS, object().put("progress", progress));
    }

    public void metric(Lease lease, String name, double value) {
        log.append(lease, EventType.METRIC, object().put("name", name).put("value", value));
    }

    public void log(Lease lease, String line) {
        log.append(lease, EventType.LOG, object().put("line", line));
    }

    public void complete(Lease lease, ObjectNode result) {
        change(lease, (job, now) -> job.complete(result.toString(), now));
    }

    public void fail(Lease lease, Failure failure) {
        change(lease, (job, now) -> job.fail(failure, now, retries, properties.maxAttempts()));
    }

    /** Fails with what came of it all the same, such as scores that are not good enough. */
    public void fail(Lease lease, Failure failure, ObjectNode result) {
        change(lease, (job, now) -> {
            job.fail(failure, now, retries, properties.maxAttempts());
            job.show(result.toString());
        });
    }

    /** What a job that has ended answered. */
    @Transactional(readOnly = true)
    public ObjectNode resultOf(UUID jobId) {
        return jobs.findById(jobId)
                .map(Job::result)
                .map(result -> (ObjectNode) json.readTree(result))
                .orElseGet(JobQueue::object);
    }

    /** The worker stopped because it learned of the cancellation. */
    public void cancelled(Lease lease) {
        change(lease, Job::cancelled);
    }

    /** The worker is going away and hands the job back. */
    public void release(Lease lease) {
        change(lease, Job::release);
    }

    /**
     * Locks the job for the rest of the transaction, so that what is written beside it stands or falls with it.
     *
     * @return whose job it is
     */
    public TenantId requireHeld(Lease lease) {
        return lockHeld(lease).tenant();
    }

    private void change(Lease lease, BiConsumer<Job, Instant> change) {
        Job job = lockHeld(lease);
        Instant now = jobs.now();
        change.accept(job, now);
        store(job, now);
        metrics.ended(job);
    }

    /** Looks how many jobs wait for what, and shows it to who watches. */
    @Transactional(readOnly = true)
    public void measure() {
        metrics.depths(lanes.depths());
    }

    /**
     * Brings pipelines up to date whose steps were ended by a release that knows no pipelines.
     *
     * @return how many
     */
    public int advancePipelines() {
        return pipelines.catchUp(jobs.now());
    }

    private Job lockHeld(Lease lease) {
        pipelines.lockOf(lease.jobId());
        return jobs.lock(lease.jobId())
                .filter(job -> job.holds(lease))
                .orElseThrow(() -> new LeaseLostException(lease));
    }

    /**
     * Of a job that this transaction read, so that Hibernate knows it and need not merge it. Whoever stores the end of a
     * step has its pipeline locked, which goes on with it.
     */
    private void store(Job job, Instant now) {
        jobs.flush();
        log.state(job);
        pipelines.follow(job, now);
    }

    private static ObjectNode object() {
        return JsonNodeFactory.instance.objectNode();
    }

    /** @param cancelRequested the job should stop at its next checkpoint */
    public record Heartbeat(boolean cancelRequested) {}
}
