package io.octavo.worker.attempt;

import io.octavo.engine.Engine;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.jobs.queue.QueueMetrics;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/**
 * One try at a job, as those who work on it see it: where to report, and whether to stop. Reports are throttled and best
 * effort: a database that is away for a moment costs events, not the job. Reporting is for one thread; stopping is for
 * any.
 */
public final class Attempt {

    private static final Logger LOG = LoggerFactory.getLogger(Attempt.class);
    private static final long PROGRESS_NANOS = 500_000_000;
    private static final double PROGRESS_STEP = 0.001;
    private static final int MAX_LOG_LINES = 10_000;
    private static final int MAX_LINE_LENGTH = 4_000;

    private final JobQueue queue;
    private final QueueMetrics metrics;
    private final Lease lease;
    private final TenantId tenant;
    private final AttemptTrace trace;
    private final AtomicReference<@Nullable StopReason> stop = new AtomicReference<>();

    private final CountDownLatch stopped = new CountDownLatch(1);

    private volatile String phase = "start";
    private volatile long phaseStartedAt = System.nanoTime();
    private double progress;
    private double reportedProgress;
    private long reportedAt = System.nanoTime() - PROGRESS_NANOS;
    private int logLines;
    private int sections;
    private @Nullable Engine engine;

    /** @param trace borrowed */
    public Attempt(JobQueue queue, QueueMetrics metrics, Lease lease, TenantId tenant, AttemptTrace trace) {
        this.queue = queue;
        this.metrics = metrics;
        this.lease = lease;
        this.tenant = tenant;
        this.trace = trace;
        trace.phase(phase);
    }

    public Lease lease() {
        return lease;
    }

    /** For whom the work is done: what it may read, and who gets what it makes. */
    public TenantId tenant() {
        return tenant;
    }

    /** The first reason counts. */
    public void stop(StopReason reason) {
        stop.compareAndSet(null, reason);
        stopped.countDown();
    }

    /**
     * What work that has nothing to do but last waits by.
     *
     * @throws JobCancelledException if it should stop now
     */
    public void pause(Duration most) {
        try {
            if (stopped.await(most.toNanos(), TimeUnit.NANOSECONDS)) {
                checkpoint();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("job " + lease.jobId() + " was interrupted");
        }
    }

    public @Nullable StopReason stopReason() {
        return stop.get();
    }

    /** @throws JobCancelledException if the work should stop now */
    public void checkpoint() {
        StopReason reason = stop.get();
        if (reason != null) {
            throw new JobCancelledException("job " + lease.jobId() + ": " + reason);
        }
    }

    public void phase(String name) {
        engine = null;
        enter(name);
        trace.phase(name);
    }

    private void enter(String name) {
        checkpoint();
        metrics.phaseEnded(phase, phaseAge());
        phase = name;
        phaseStartedAt = System.nanoTime();
        report(() -> queue.phase(lease, name));
    }

    /** Nothing more will be done in the present phase. */
    public void phaseEnded() {
        engine = null;
        metrics.phaseEnded(phase, phaseAge());
        trace.phaseEnded();
    }

    /** The last phase, which shows what was done. It has no checkpoint: from here on the queue decides alone. */
    public void commit(Runnable commit) {
        phase = "commit";
        phaseStartedAt = System.nanoTime();
        trace.phase(phase);
        commit.run();
        phaseEnded();
        trace.succeeded();
    }

    public AttemptTrace trace() {
        return trace;
    }

    /** What it works with until its next phase of its own; looked at while it reports. */
    public void uses(Engine open) {
        engine = open;
        trace.device(open.device());
        lookAtDevice();
    }

    /** On the thread that works with the engine, whose device may be looked at from there alone. */
    private void lookAtDevice() {
        if (engine != null) {
            metrics.freeDeviceMemory(engine.deviceOffer().freeMemoryBytes());
        }
    }

    /** The engine read and wrote so much. */
    public void bytes(long in, long out) {
        metrics.bytes("in", in);
        metrics.bytes("out", out);
        trace.bytes(in, out);
    }

    public void tokensPerSecond(double rate) {
        metrics.tokensPerSecond(rate);
    }

    /** What it does now. */
    public String phase() {
        return phase;
    }

    /** How long it has been doing that. */
    public Duration phaseAge() {
        return Duration.ofNanos(System.nanoTime() - phaseStartedAt);
    }

    public void metric(String name, double value) {
        report(() -> queue.metric(lease, name, value));
    }

    public void log(String line) {
        if (logLines < MAX_LOG_LINES) {
            logLines++;
            String shown = line.length() > MAX_LINE_LENGTH ? line.substring(0, MAX_LINE_LENGTH) + "..." : line;
            report(() -> queue.log(lease, shown.replace('\0', ' ')));
        }
    }

    private void progress(double fraction) {
        progress = Math.max(progress, Math.min(fraction, 1.0));
        long now = System.nanoTime();
        if (progress - reportedProgress >= PROGRESS_STEP && now - reportedAt >= PROGRESS_NANOS) {
            reportedProgress = progress;
            reportedAt = now;
            lookAtDevice();
            report(() -> queue.progress(lease, progress));
        }
    }

    private void report(Runnable event) {
        try {
            event.run();
        } catch (LeaseLostException e) {
            stop(StopReason.LEASE_LOST);
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("Lost an event of job {}: {}", lease.jobId(), e.getMessage());
        }
    }

    /** The monitor of a step that covers a part of the job's progress. */
    public JobMonitor section(double from, double to) {
        int section = ++sections;
        return new JobMonitor() {
            @Override
            public void phase(String name) {
                enter(name);
                lookAtDevice();
                trace.enginePhase(section, name);
            }

            @Override
            public void progress(double fraction) {
                Attempt.this.progress(from + (to - from) * fraction);
            }

            @Override
            public void log(String line) {
                Attempt.this.log(line);
            }

            @Override
            public void checkpoint() {
                Attempt.this.checkpoint();
            }
        };
    }
}
