package io.octavo.worker.claim;

import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobSignals;
import io.octavo.jobs.queue.LeaseLostException;
import io.octavo.worker.attempt.Attempt;
import io.octavo.worker.attempt.StopReason;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/** Keeps the lease of one attempt and passes on what the queue answers, until it is closed. */
final class Heartbeats implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Heartbeats.class);

    private final JobQueue queue;
    private final Attempt attempt;
    private final ScheduledFuture<?> schedule;
    private final JobSignals.Registration cancelSignal;
    private volatile long renewedAt = System.nanoTime();

    Heartbeats(
            JobQueue queue, JobSignals signals, Attempt attempt, ScheduledExecutorService scheduler, Duration period) {
        this.queue = queue;
        this.attempt = attempt;
        this.schedule =
                scheduler.scheduleWithFixedDelay(this::beat, period.toNanos(), period.toNanos(), TimeUnit.NANOSECONDS);
        this.cancelSignal = signals.onCancel(attempt.lease().jobId(), () -> scheduler.execute(this::beat));
    }

    private void beat() {
        long asked = System.nanoTime();
        try {
            if (queue.heartbeat(attempt.lease()).cancelRequested()) {
                attempt.stop(StopReason.CANCELLED);
            }
            renewedAt = asked;
        } catch (LeaseLostException e) {
            attempt.stop(StopReason.LEASE_LOST);
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("Could not renew the lease of job {}: {}", attempt.lease().jobId(), e.getMessage());
            if (expired()) {
                attempt.stop(StopReason.LEASE_LOST);
            }
        }
    }

    /** Whether others may have taken the job by now, as far as this machine can tell. */
    boolean expired() {
        return System.nanoTime() - renewedAt > queue.leaseDuration().toNanos();
    }

    @Override
    public void close() {
        cancelSignal.close();
        schedule.cancel(false);
    }
}
