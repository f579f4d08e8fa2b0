package io.octavo.jobs.deletion;

import io.octavo.jobs.blob.BlobCollector;
import io.octavo.jobs.blob.CollectorProperties;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Deletes what has aged, and removes what was deleted long enough ago. Any number of processes may do so at once. */
@Component
public class Collector implements SmartLifecycle {

    private static final Logger LOG = LoggerFactory.getLogger(Collector.class);

    private final DeletionTable table;
    private final BlobCollector blobs;
    private final TransactionTemplate transactions;
    private final CollectorProperties properties;
    private @Nullable ScheduledExecutorService thread;

    Collector(
            DeletionTable table,
            BlobCollector blobs,
            TransactionTemplate transactions,
            CollectorProperties properties) {
        this.table = table;
        this.blobs = blobs;
        this.transactions = transactions;
        this.properties = properties;
    }

    /** One pass; what one pass cannot finish is left to the next. */
    public void collect() {
        transactions.executeWithoutResult(transaction -> {
            table.agedRevisions();
            if (properties.jobAge() != null) {
                table.agedJobs(properties.jobAge());
            }
            table.allOfDeletedTenants();
        });
        int removed;
        do {
            removed = table.purge(properties.grace());
        } while (removed > 0);
        blobs.collect();
    }

    private void collectOrWarn() {
        try {
            collect();
        } catch (RuntimeException e) {
            LOG.warn("Could not collect what is deleted: {}", e.getMessage());
        }
    }

    @Override
    public synchronized void start() {
        if (thread == null && properties.enabled()) {
            thread = Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("collector").factory());
            long period = properties.period().toNanos();
            var _ = thread.scheduleWithFixedDelay(this::collectOrWarn, period, period, TimeUnit.NANOSECONDS);
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
