package io.octavo.worker.claim;

import io.octavo.worker.attempt.Attempt;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/**
 * Work that was told to stop and reaches no checkpoint holds its job no longer than the patience for it: the queue is told
 * without it, and what it writes later is refused. Without this a hung device would keep its lease, and a cancelled job
 * its status, for ever, since heartbeats do not hang.
 */
final class StuckWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(StuckWatch.class);
    private static final long PERIOD_MILLIS = 200;

    private final Attempt attempt;
    private final Duration patience;
    private final Runnable giveUp;
    private final ScheduledFuture<?> schedule;
    private long stopSeenAt;
    private volatile boolean stuck;

    StuckWatch(Attempt attempt, ScheduledExecutorService scheduler, Duration patience, Runnable giveUp) {
        this.attempt = attempt;
        this.patience = patience;
        this.giveUp = giveUp;
        this.schedule =
                scheduler.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        if (attempt.stopReason() == null || stuck) {
            return;
        }
        long now = System.nanoTime();
        if (stopSeenAt == 0) {
            stopSeenAt = now;
        } else if (now - stopSeenAt > patience.toNanos()) {
            try {
                giveUp.run();
                stuck = true;
                LOG.error(
                        "Job {} hangs in phase {} and was given up; this worker takes no other until it comes back",
                        attempt.lease().jobId(),
                        attempt.phase());
            } catch (DataAccessException | TransactionException e) {
                LOG.warn("Could not give up job {}: {}", attempt.lease().jobId(), e.getMessage());
            } catch (RuntimeException e) {
                stuck = true; // it was told by now, or the lease is lost
            }
        }
    }

    @Override
    public void close() {
        schedule.cancel(false);
    }
}
