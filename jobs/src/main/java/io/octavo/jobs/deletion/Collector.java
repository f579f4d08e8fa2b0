package io.octavo.jobs.deletion;

import io.octavo.jobs.blob.BlobCollector;
import io.octavo.jobs.blob.CollectorProperties;
import io.octavo.jobs.lifecycle.Clockwork;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/** Deletes what has aged, and removes what was deleted long enough ago. Any number of processes may do so at once. */
@Component
public class Collector extends Clockwork {

    private static final Logger LOG = LoggerFactory.getLogger(Collector.class);

    private final DeletionTable table;
    private final BlobCollector blobs;
    private final TransactionTemplate transactions;
    private final CollectorProperties properties;

    Collector(
            DeletionTable table,
            BlobCollector blobs,
            TransactionTemplate transactions,
            CollectorProperties properties) {
        super("collector");
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
    public boolean isAutoStartup() {
        return properties.enabled();
    }

    @Override
    protected void wind(Rounds rounds) {
        rounds.every(properties.period(), this::collectOrWarn);
    }
}
