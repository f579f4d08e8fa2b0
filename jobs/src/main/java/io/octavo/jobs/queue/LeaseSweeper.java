package io.octavo.jobs.queue;

import io.octavo.jobs.lifecycle.Clockwork;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Takes back what dead workers held, and now and then measures what waits and looks after pipelines. Every process on the
 * queue does so, api replicas too: a job must not seem to run, nor a cancellation hang, because no worker is left to
 * notice.
 */
@Component
public class LeaseSweeper extends Clockwork {

    private static final Logger LOG = LoggerFactory.getLogger(LeaseSweeper.class);

    private static final Duration MEASURE = Duration.ofSeconds(10);
    private static final Duration FIRST_MEASURE = Duration.ofSeconds(1);

    private final JobQueue queue;
    private final QueueProperties properties;

    LeaseSweeper(JobQueue queue, QueueProperties properties) {
        super("lease-sweeper");
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
    protected void wind(Rounds rounds) {
        rounds.every(properties.sweep(), this::sweep);
        rounds.every(MEASURE, FIRST_MEASURE, this::measure);
        rounds.every(MEASURE, FIRST_MEASURE, this::advancePipelines);
    }
}
