package io.octavo.jobs.blob;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Removes bytes that nothing names: of blobs, of uploads that ended on their way to staging, and of objects whose blob was
 * never entered.
 *
 * <p>An object is deleted only while its row is locked, and {@link BlobStore} enters a blob only after it has seen the
 * object behind that same lock. So an upload that began before and ends after finds either the row, which is young again,
 * or that the object is gone, and has to be repeated; it never ends with a row without an object.
 */
@Component
public class BlobCollector {

    private static final Logger LOG = LoggerFactory.getLogger(BlobCollector.class);
    private static final int AT_ONCE = 500;

    private final BlobTable blobs;
    private final ObjectStore objects;
    private final TransactionTemplate transactions;
    private final Duration grace;
    private final String bucket;

    BlobCollector(
            BlobTable blobs,
            ObjectStore objects,
            TransactionTemplate transactions,
            CollectorProperties collector,
            StorageProperties storage) {
        this.blobs = blobs;
        this.objects = objects;
        this.transactions = transactions;
        this.grace = collector.grace();
        this.bucket = storage.bucket();
    }

    /** One pass. */
    public void collect() {
        blobs.forgetOwners(grace);
        long count = 0;
        long bytes = 0;
        for (BlobId id : blobs.unnamed(grace, AT_ONCE)) {
            boolean removed = remove(id, () -> blobs.lockUnnamed(id, grace));
            count += removed ? 1 : 0;
            bytes += removed ? id.size() : 0;
        }
        if (count > 0) {
            LOG.info("Removed {} blob(s) of {} bytes that nothing names", count, bytes);
        }
        collectLeftovers(Instant.now().minus(grace));
    }

    private void collectLeftovers(Instant before) {
        for (ObjectInfo staged : objects.listOlder(bucket, BlobStore.STAGING, before)) {
            objects.delete(bucket, staged.key());
        }
        List<BlobId> stored = objects.listOlder(bucket, BlobId.PREFIX, before).stream()
                .flatMap(object -> BlobId.ofKey(object.key(), object.size()).stream())
                .toList();
        for (int start = 0; start < stored.size(); start += AT_ONCE) {
            List<BlobId> some = stored.subList(start, Math.min(start + AT_ONCE, stored.size()));
            blobs.unknown(some).forEach(id -> remove(id, () -> blobs.claimUnknown(id)));
        }
    }

    @FunctionalInterface
    private interface Lock {
        boolean take();
    }

    /** The call to the store inside the transaction is what keeps those who enter the blob waiting; it is a short one. */
    private boolean remove(BlobId id, Lock lock) {
        return Objects.requireNonNullElse(
                transactions.execute(transaction -> {
                    if (!lock.take()) {
                        return false;
                    }
                    objects.delete(bucket, id.key());
                    blobs.delete(id);
                    return true;
                }),
                false);
    }
}
