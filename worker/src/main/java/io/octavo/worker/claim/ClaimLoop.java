package io.octavo.worker.claim;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobSignals;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.jobs.queue.QueueMetrics;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.AttemptTrace;
import io.octavo.worker.attempt.JobScratch;
import io.octavo.worker.attempt.StopReason;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.run.JobRunners;
import io.opentelemetry.api.trace.Tracer;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/**
 * Claims jobs of some types one after the other and runs each to its outcome. Woken when a job arrives, and by itself now and
 * then. Of a worker that does several things at once, each has a loop.
 */
final class ClaimLoop {

    private static final Logger LOG = LoggerFactory.getLogger(ClaimLoop.class);
    private static final Duration OUTCOME_RETRY = Duration.ofMillis(500);

    private final WorkerIdentity identity;
    private final Set<String> types;
    private final @Nullable IdleWarmUp warmUp;
    private final ScheduledExecutorService scheduler;
    private final JobQueue queue;
    private final JobSignals signals;
    private final QueueMetrics metrics;
    private final JobRunners runners;
    private final FailureTranslator failures;
    private final WorkDirectory workDirectory;
    private final ClaimProperties properties;
    private final ProcessEnd processEnd;
    private final Tracer tracer;
    private final Semaphore wake = new Semaphore(0);
    private final Thread thread;
    private final JobSignals.Registration queueSignal;
    private volatile boolean stopping;

    /** A job's engine lost its device, which this process will not get back. */
    private volatile boolean deviceLost;

    private volatile @Nullable Attempt running;

    /** What all loops of a worker work with. */
    record Parts(
            JobQueue queue,
            JobSignals signals,
            QueueMetrics metrics,
            JobRunners runners,
            FailureTranslator failures,
            WorkDirectory workDirectory,
            ClaimProperties properties,
            ProcessEnd processEnd,
            Tracer tracer) {}

    /**
     * @param identity of the worker, which all of its loops share
     * @param types of the jobs that it takes
     * @param warmUp what it does when it first has nothing to do; null for nothing
     * @param scheduler borrowed
     */
    ClaimLoop(
            Parts parts,
            WorkerIdentity identity,
            String name,
            Set<String> types,
            @Nullable IdleWarmUp warmUp,
            ScheduledExecutorService scheduler) {
        this.queue = parts.queue();
        this.signals = parts.signals();
        this.metrics = parts.metrics();
        this.runners = parts.runners();
        this.failures = parts.failures();
        this.workDirectory = parts.workDirectory();
        this.properties = parts.properties();
        this.processEnd = parts.processEnd();
        this.tracer = parts.tracer();
        this.identity = identity;
        this.types = types;
        this.warmUp = warmUp;
        this.scheduler = scheduler;
        this.thread = Thread.ofPlatform().name(name).unstarted(this::loop);
        this.queueSignal = signals.onQueue(wake::release);
    }

    void start() {
        thread.start();
    }

    boolean isBusy() {
        return running != null;
    }

    /** Returns at once; a running job is handed back at its next checkpoint. */
    void stop() {
        stopping = true;
        Attempt attempt = running;
        if (attempt != null) {
            attempt.stop(StopReason.SHUTDOWN);
        }
        wake.release();
        queueSignal.close();
    }

    private void loop() {
        while (!stopping) {
            try {
                Optional<Claim> claim = queue.claim(identity, types);
                if (claim.isPresent()) {
                    run(claim.get());
                    endIfDeviceIsLost();
                } else if (warmUp != null && !warmUp.isDone()) {
                    deviceLost |= warmUp.run(() -> stopping || wake.availablePermits() > 0);
                    wake.drainPermits();
                    endIfDeviceIsLost();
                } else {
                    await(untilNextLook());
                }
            } catch (DataAccessException | TransactionException e) {
                LOG.warn("Could not ask for a job: {}", e.getMessage());
                await(properties.poll());
            } catch (RuntimeException | Error e) {
                // The loop is the worker: one job that breaks it must not take the others' worker away.
                LOG.error("The worker goes on after an unexpected error", e);
                await(properties.poll());
            }
        }
    }

    private Duration untilNextLook() {
        Duration ready = queue.untilAvailable().orElse(properties.poll());
        return ready.compareTo(properties.poll()) < 0 ? ready : properties.poll();
    }

    private void await(Duration limit) {
        try {
            if (wake.tryAcquire(Math.max(1, limit.toMillis()), TimeUnit.MILLISECONDS)) {
                wake.drainPermits();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopping = true;
        }
    }

    private void run(Claim claim) {
        try (AttemptTrace trace = new AttemptTrace(tracer, claim, properties.name())) {
            trace.during(() -> run(claim, trace));
        }
    }

    private void run(Claim claim, AttemptTrace trace) {
        Attempt attempt = new Attempt(queue, metrics, claim.lease(), claim.tenant(), trace);
        running = attempt;
        if (stopping) {
            attempt.stop(StopReason.SHUTDOWN);
        }
        try (var _ = MDC.putCloseable("jobId", claim.lease().jobId().toString());
                var _ = MDC.putCloseable(
                        "attempt", Integer.toString(claim.lease().attempt()));
                Heartbeats heartbeats = new Heartbeats(queue, signals, attempt, scheduler, properties.heartbeat());
                Deadlines deadlines = new Deadlines(claim, attempt, scheduler);
                JobScratch scratch = workDirectory.scratch(claim.lease())) {
            Runnable outcome = watched(claim, attempt, deadlines, scratch);
            attempt.phaseEnded();
            settle(attempt, heartbeats, outcome, scratch);
        } finally {
            running = null;
        }
    }

    private Runnable watched(Claim claim, Attempt attempt, Deadlines deadlines, JobScratch scratch) {
        try (var _ = new StuckWatch(attempt, scheduler, properties.stopTimeout(), () -> giveUp(attempt, deadlines))) {
            return work(claim, attempt, deadlines, scratch);
        }
    }

    /** Runs the job and returns what remains to be told to the queue. */
    private Runnable work(Claim claim, Attempt attempt, Deadlines deadlines, JobScratch scratch) {
        try {
            attempt.checkpoint();
            Runnable commit = runners.run(claim, attempt, scratch);
            return () -> attempt.commit(commit);
        } catch (JobCancelledException | LeaseLostException e) {
            return () -> giveUp(attempt, deadlines);
        } catch (Throwable e) {
            if (attempt.stopReason() != null) {
                return () -> giveUp(attempt, deadlines); // whatever broke, broke because the work was told to stop
            }
            deviceLost |= e instanceof QuantizationException failed && failed.code() == ErrorCode.DEVICE_FAULT;
            Failure failure = failures.translate(e, attempt.lease(), scratch);
            return () -> fail(attempt, failure);
        }
    }

    private void fail(Attempt attempt, Failure failure) {
        attempt.trace().failed(failure);
        queue.fail(attempt.lease(), failure);
    }

    /** Once the lease is released, so that another worker can take the job at once. */
    private void endIfDeviceIsLost() {
        if (deviceLost) {
            LOG.error(
                    "The device failed and is lost to this process, which ends with exit code {}",
                    ProcessEnd.DEVICE_FAULT);
            stopping = true;
            processEnd.end(ProcessEnd.DEVICE_FAULT);
        }
    }

    private void giveUp(Attempt attempt, Deadlines deadlines) {
        StopReason reason = attempt.stopReason();
        if (reason != null) {
            attempt.trace().stopped(reason);
        }
        switch (reason) {
            case CANCELLED -> queue.cancelled(attempt.lease());
            case SHUTDOWN -> queue.release(attempt.lease());
            case JOB_TIMED_OUT -> fail(attempt, deadlines.jobTimedOut());
            case PHASE_TIMED_OUT -> fail(attempt, deadlines.phaseTimedOut());
            case LEASE_LOST -> {
                metrics.leaseLost();
                LOG.warn("Lost the lease of job {}", attempt.lease().jobId());
            }
            case null -> fail(attempt, failures.unexpectedStop(attempt.lease()));
        }
    }

    /**
     * Tells the outcome, again and again while the database is away and the lease may still hold. An outcome that
     * the database refuses becomes a failure of the job.
     */
    private void settle(Attempt attempt, Heartbeats heartbeats, Runnable outcome, JobScratch scratch) {
        Runnable telling = outcome;
        boolean refused = false;
        while (true) {
            try {
                telling.run();
                return;
            } catch (LeaseLostException e) {
                attempt.trace().stopped(StopReason.LEASE_LOST);
                metrics.leaseLost();
                LOG.warn("{}; its outcome is dropped", e.getMessage());
                return;
            } catch (RuntimeException e) {
                boolean away = FailureTranslator.databaseIsAway(e);
                if (heartbeats.expired() || stopping || (!away && refused)) {
                    LOG.warn(
                            "Could not tell the outcome of job {}",
                            attempt.lease().jobId(),
                            e);
                    return;
                }
                if (away) {
                    await(OUTCOME_RETRY);
                } else {
                    Failure failure = failures.translate(e, attempt.lease(), scratch);
                    telling = () -> fail(attempt, failure);
                    refused = true;
                }
            }
        }
    }

    /** Work that reaches no checkpoint in time loses its lease here; what it writes later is refused. */
    void joinOrRelease() {
        try {
            thread.join(properties.stopTimeout());
            Attempt attempt = running;
            if (thread.isAlive() && attempt != null) {
                queue.release(attempt.lease());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (LeaseLostException | DataAccessException | TransactionException e) {
            LOG.warn("Could not hand the job back: {}", e.getMessage());
        }
    }
}
