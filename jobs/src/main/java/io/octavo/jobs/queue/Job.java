package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.PipelineSpec;
import io.octavo.jobs.spec.Scheduling;
import io.octavo.jobs.trace.Traceparent;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import jakarta.persistence.Column;
import jakarta.persistence.Entity;
import jakarta.persistence.EnumType;
import jakarta.persistence.Enumerated;
import jakarta.persistence.GeneratedValue;
import jakarta.persistence.Id;
import jakarta.persistence.Table;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.hibernate.annotations.DynamicUpdate;
import org.hibernate.annotations.JdbcTypeCode;
import org.hibernate.annotations.UuidGenerator;
import org.hibernate.type.SqlTypes;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** The aggregate behind a job. Each change of state has a name; times are the database's, passed in as {@code now}. */
@Entity
@Table(name = "job")
@DynamicUpdate
@SuppressWarnings("UnusedVariable") // some columns are read by SQL only
class Job {

    private static final Instant NOT_YET = Instant.parse("9999-01-01T00:00:00Z");

    @Id
    @GeneratedValue
    @UuidGenerator(style = UuidGenerator.Style.VERSION_7)
    private @Nullable UUID id;

    @Column(updatable = false)
    private String type;

    @Enumerated(EnumType.STRING)
    private JobStatus status = JobStatus.QUEUED;

    @Column(updatable = false)
    private UUID tenant;

    private int lane;

    private int priority;

    @JdbcTypeCode(SqlTypes.JSON)
    private String spec;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    private @Nullable String plan;

    @Column(updatable = false)
    private @Nullable Long diskBytes;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    private Map<String, String> labels;

    @Column(updatable = false)
    private @Nullable UUID parent;

    @Column(updatable = false)
    private @Nullable String step;

    @JdbcTypeCode(SqlTypes.JSON)
    @Column(updatable = false)
    private List<String> needs = List.of();

    private int attempt;

    private int attemptLimit;

    private boolean cancelRequested;

    @Column(updatable = false)
    private Instant createdAt;

    private Instant availableAt;

    private @Nullable Instant startedAt;

    private @Nullable Instant finishedAt;

    private @Nullable String worker;

    private @Nullable UUID leaseOwner;

    private @Nullable Instant leaseExpiresAt;

    @JdbcTypeCode(SqlTypes.JSON)
    private @Nullable String result;

    private @Nullable String problemCode;

    private @Nullable String problemDetail;

    private boolean deadLetter;

    @Column(insertable = false, updatable = false)
    private @Nullable Instant deletedAt;

    @Column(updatable = false)
    private @Nullable String traceparent;

    @SuppressWarnings("NullAway.Init") // for Hibernate, which fills the fields
    protected Job() {}

    Job(TenantId tenant, JobSpec spec, int lane, int maxAttempts, Instant now) {
        this.tenant = tenant.value();
        this.type = spec.type();
        this.spec = spec.toJson().toString();
        this.lane = lane;
        this.priority = spec.scheduling().priority();
        this.labels = spec.scheduling().labels();
        this.attemptLimit = maxAttempts;
        this.createdAt = now;
        this.availableAt = now;
        this.traceparent = Traceparent.ofCurrentSpan();
    }

    /** A step of a stored pipeline. */
    Job(Job pipeline, PipelineSpec.Step step, int lane, int maxAttempts, Instant now) {
        this(pipeline.tenant(), step.job(), lane, maxAttempts, now);
        this.parent = pipeline.id();
        this.step = step.name();
        this.needs = step.needs();
        if (lane == Lanes.NOBODY) {
            block();
        }
    }

    /** Before it is stored. */
    void plan(FoundPlans.Found found, JsonMapper json) {
        plan = found.plan() == null ? null : json.writeValueAsString(found.plan());
        diskBytes = found.diskBytes();
    }

    void claim(WorkerIdentity by, Instant now, Duration lease) {
        requireStatus(JobStatus.QUEUED);
        status = JobStatus.RUNNING;
        attempt++;
        worker = by.name();
        leaseOwner = by.id();
        leaseExpiresAt = now.plus(lease);
        startedAt = startedAt == null ? now : startedAt;
    }

    /** How long it could have run already. */
    Duration readyFor(Instant now) {
        return Duration.between(availableAt, now);
    }

    /** Until the timeout that its spec asks for, counted from its first start. */
    Optional<Duration> timeLeft(Scheduling scheduling, Instant now) {
        Instant start = Objects.requireNonNullElse(startedAt, now);
        return scheduling.timeout().map(limit -> Duration.between(now, start.plus(limit)));
    }

    boolean holds(Lease lease) {
        return status == JobStatus.RUNNING && attempt == lease.attempt();
    }

    void complete(String outcome, Instant now) {
        requireStatus(JobStatus.RUNNING);
        result = outcome;
        problemCode = null;
        problemDetail = null;
        finish(JobStatus.SUCCEEDED, now);
    }

    /** Tries again later if the kind of failure allows it and attempts are left; fails for good otherwise. */
    void fail(Failure failure, Instant now, RetryPolicy policy, int maxAttempts) {
        requireStatus(JobStatus.RUNNING);
        problemCode = failure.code();
        problemDetail = failure.detail();
        if (cancelRequested) {
            finish(JobStatus.CANCELLED, now);
        } else if (failure.kind().retryable() && attempt < attemptLimit) {
            int failed = Math.max(1, maxAttempts - (attemptLimit - attempt));
            requeue(now.plus(policy.delay(failure.kind(), failed)));
        } else {
            if (failure.kind().retryable()) {
                problemDetail = failure.detail() + " (attempt " + attempt + " was the last one allowed)";
                deadLetter = true;
            }
            finish(JobStatus.FAILED, now);
        }
    }

    /** What came of it, though it failed. */
    void show(String outcome) {
        result = outcome;
    }

    /** The worker stopped without an outcome: the next attempt may start at once, if one is left. */
    void loseWorker(Instant now) {
        requireStatus(JobStatus.RUNNING);
        problemCode = ProblemCode.WORKER_LOST.slug();
        problemDetail = "worker " + worker + " stopped answering in attempt " + attempt;
        if (cancelRequested) {
            finish(JobStatus.CANCELLED, now);
        } else if (attempt < attemptLimit) {
            requeue(now);
        } else {
            problemDetail += ", which was the last one allowed";
            deadLetter = true;
            finish(JobStatus.FAILED, now);
        }
    }

    /** The worker hands the job back unharmed; the attempt does not count. */
    void release(Instant now) {
        requireStatus(JobStatus.RUNNING);
        if (cancelRequested) {
            finish(JobStatus.CANCELLED, now);
        } else {
            attemptLimit++;
            requeue(now);
        }
    }

    void cancelled(Instant now) {
        requireStatus(JobStatus.RUNNING);
        finish(JobStatus.CANCELLED, now);
    }

    /** A queued job is cancelled at once; a running one when its worker learns of it. */
    void requestCancel(Instant now) {
        requireCancellable();
        cancelRequested = true;
        if (status == JobStatus.QUEUED) {
            finish(JobStatus.CANCELLED, now);
        }
    }

    private void requireCancellable() {
        if (status.isTerminal()) {
            throw new ProblemException(
                    ProblemCode.JOB_NOT_CANCELLABLE, "job " + id() + " is " + status + " and cannot be cancelled");
        }
    }

    void retry(Instant now, int maxAttempts) {
        if (status != JobStatus.FAILED && status != JobStatus.CANCELLED) {
            throw new ProblemException(
                    ProblemCode.JOB_NOT_RETRYABLE,
                    "job " + id() + " is " + status + "; only FAILED and CANCELLED jobs can be retried");
        }
        attemptLimit = attempt + maxAttempts;
        cancelRequested = false;
        deadLetter = false;
        problemCode = null;
        problemDetail = null;
        result = null;
        startedAt = null;
        finishedAt = null;
        requeue(now);
    }

    /** A step waits for others: no worker may take it, not even one that knows no lanes. */
    void block() {
        requireStatus(JobStatus.QUEUED);
        lane = Lanes.NOBODY;
        availableAt = NOT_YET;
    }

    /** A step that waits for others, rather than for a worker. */
    boolean isBlocked() {
        return status == JobStatus.QUEUED && parent != null && lane == Lanes.NOBODY;
    }

    /** What the step needs is there, and named in its spec. */
    void release(String resolvedSpec, int readyLane, Instant now) {
        requireStatus(JobStatus.QUEUED);
        spec = resolvedSpec;
        lane = readyLane;
        availableAt = now;
    }

    /** What the step needs will not come. */
    void leaveOut(String why, Instant now) {
        requireStatus(JobStatus.QUEUED);
        problemCode = ProblemCode.NEED_FAILED.slug();
        problemDetail = why;
        finish(JobStatus.CANCELLED, now);
    }

    /** A pipeline's first step starts. */
    void start(Instant now) {
        requireStatus(JobStatus.QUEUED);
        status = JobStatus.RUNNING;
        attempt++;
        startedAt = now;
    }

    /** A pipeline's steps are to end; it ends with the last of them. */
    void requestStepsCancel() {
        requireCancellable();
        cancelRequested = true;
    }

    /** All steps of a pipeline succeeded. */
    void succeedWith(String stepResults, Instant now) {
        result = stepResults;
        finish(JobStatus.SUCCEEDED, now);
    }

    /** @param dead the steps that failed are dead letters, so that the pipeline is one */
    void failWith(String why, boolean dead, Instant now) {
        problemCode = ProblemCode.STEP_FAILED.slug();
        problemDetail = why;
        deadLetter = dead;
        finish(JobStatus.FAILED, now);
    }

    /** @param why a step was cancelled by itself; empty where somebody cancelled the pipeline */
    void cancelledWith(String why, Instant now) {
        if (!why.isEmpty()) {
            problemCode = ProblemCode.STEP_CANCELLED.slug();
            problemDetail = why;
        }
        finish(JobStatus.CANCELLED, now);
    }

    private void requeue(Instant from) {
        status = JobStatus.QUEUED;
        availableAt = from;
        dropLease();
    }

    private void finish(JobStatus outcome, Instant now) {
        status = outcome;
        finishedAt = now;
        dropLease();
    }

    private void dropLease() {
        leaseOwner = null;
        leaseExpiresAt = null;
    }

    private void requireStatus(JobStatus expected) {
        if (status != expected) {
            throw new IllegalStateException("job " + id + " is " + status + ", not " + expected);
        }
    }

    UUID id() {
        if (id == null) {
            throw new IllegalStateException("the job is not stored yet");
        }
        return id;
    }

    Lease lease() {
        requireStatus(JobStatus.RUNNING);
        return new Lease(id(), attempt);
    }

    TenantId tenant() {
        return new TenantId(tenant);
    }

    boolean deadLetter() {
        return deadLetter;
    }

    String type() {
        return type;
    }

    boolean isPipeline() {
        return type.equals(PipelineSpec.TYPE);
    }

    /** The pipeline that it is a step of. */
    Optional<UUID> parent() {
        return Optional.ofNullable(parent);
    }

    /** Its name among the steps; empty where it is none. */
    String step() {
        return Objects.requireNonNullElse(step, "");
    }

    List<String> needs() {
        return List.copyOf(needs);
    }

    JobStatus status() {
        return status;
    }

    @Nullable String plan() {
        return plan;
    }

    String spec() {
        return spec;
    }

    int attempt() {
        return attempt;
    }

    boolean cancelRequested() {
        return cancelRequested;
    }

    Instant createdAt() {
        return createdAt;
    }

    @Nullable Instant startedAt() {
        return startedAt;
    }

    @Nullable Instant finishedAt() {
        return finishedAt;
    }

    @Nullable String worker() {
        return worker;
    }

    /** Of the span that submitted it, if that was traced. */
    @Nullable String traceparent() {
        return traceparent;
    }

    @Nullable String result() {
        return result;
    }

    JobView.@Nullable JobProblem problem() {
        return problemCode == null || problemDetail == null ? null : new JobView.JobProblem(problemCode, problemDetail);
    }
}
