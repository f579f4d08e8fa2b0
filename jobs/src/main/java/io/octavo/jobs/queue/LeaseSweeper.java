package io.octavo.jobs.queue;

import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Takes back what dead workers held, and now and then measures what waits and looks after pipelines. Every process on the
 * queue does so, api replicas too: a job must not seem to run, nor a cancellation hang, because no worker is left to
 * notice.
 */
@Component
public class LeaseSweeper implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(LeaseSweeper.class);

    private static final long MEASURE_SECONDS = 10;

    private final JobQueue queue;
    private final QueueProperties properties;
    private @Nullable ScheduledExecutorService thread;

    LeaseSweeper(JobQueue queue, QueueProperties properties) {
        this.queue = queue;
        this.properties = properties;
    }

    private void sweep() {
        try {
            int taken = queue.reclaimExpired();
            if (taken > 0) {
                LOG.warn("Took back {} job(s) whose workers stopped answering", taken);
            }
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("Could not look for expired leases: {}", e.getMessage());
        } catch (RuntimeException e) {
            LOG.error("Could not take back expired leases", e);
        }
    }

    private void advancePipelines() {
        try {
            queue.advancePipelines();
        } catch (RuntimeException e) {
            LOG.warn("Could not look after pipelines: {}", e.getMessage());
        }
    }

    private void measure() {
        try {
            queue.measure();
        } catch (RuntimeException e) {
            LOG.debug("Could not measure the queue: {}", e.getMessage());
        }
    }

    @Override
    public synchronized void start() {
        if (thread == null) {
            thread = Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("lease-sweeper").factory());
            long period = properties.sweep().toNanos();
            var _ = thread.scheduleWithFixedDelay(this::sweep, period, period, TimeUnit.NANOSECONDS);
            var _ = thread.scheduleWithFixedDelay(this::measure, 1, MEASURE_SECONDS, TimeUnit.SECONDS);
            var _ = thread.scheduleWithFixedDelay(this::advancePipelines, 1, MEASURE_SECONDS, TimeUnit.SECONDS);
        }
    }

    @Override
    public synchronized void stop() {
        if (thread != null) {
            thread.shutdownNow();
            thread = null;
        }
    }

    @Override
    public synchronized boolean isRunning() {
        return thread != null;
    }
}
