package io.octavo.jobs.blob;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Service;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.util.unit.DataSize;

/**
 * Content-addressed blobs: {@code blobs/sha256/ab/cd/<sha256>} in the service's bucket, and a row for each that is known
 * to be whole. Storing the same content twice is harmless, whoever does it, so uploads need no fencing: a blob that
 * nothing refers to is garbage. No method runs inside a database transaction of its own longer than one insert.
 */
@Service
public class BlobStore {

    static final String STAGING = "staging/uploads/";

    private static final Logger LOG = LoggerFactory.getLogger(BlobStore.class);

    private final ObjectStore objects;
    private final BlobTable blobs;
    private final TransactionTemplate transactions;
    private final CollectorProperties collector;
    private final String bucket;

    BlobStore(
            ObjectStore objects,
            BlobTable blobs,
            TransactionTemplate transactions,
            CollectorProperties collector,
            StorageProperties properties) {
        this.objects = objects;
        this.blobs = blobs;
        this.transactions = transactions;
        this.collector = collector;
        this.bucket = properties.bucket();
    }

    /**
     * Stores content whose hash the caller knows. It is hashed on the way, and does not appear if it differs.
     *
     * @param owner who has the bytes, as sending them shows
     * @throws ProblemException {@code content-hash-mismatch}, or {@code quota-exceeded} before anything is read
     */
    public void put(TenantId owner, BlobId id, InputStream content) {
        requireFree(owner, id);
        store(id, content);
        enter(id, () -> blobs.own(owner, id));
    }

    /**
     * Stores what the service itself needs for a while: it counts for no tenant's quota, and none may name it. Otherwise as
     * {@link #put(TenantId, BlobId, InputStream)}.
     */
    public void putForService(BlobId id, InputStream content) {
        store(id, content);
        enter(id, () -> {});
    }

    private void store(BlobId id, InputStream content) {
        if (touch(id)) {
            verify(id, content);
        } else {
            objects.put(bucket, id.key(), new Sha256Stream(content, id), id.size());
        }
    }

    /** Whether it is stored; if so, it stays for a while. */
    private boolean touch(BlobId id) {
        keep(List.of(id.sha256()));
        return blobs.find(id.sha256()).isPresent();
    }

    private static void verify(BlobId id, InputStream content) {
        try (Sha256Stream hashing = new Sha256Stream(content, id)) {
            hashing.transferTo(OutputStream.nullOutputStream());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Stores content of unknown hash: into staging first, then to its place.
     *
     * @param owner who has the bytes, as sending them shows
     * @param size if it is known, else {@link ObjectStore#UNKNOWN_SIZE}
     * @param expectedSha256 what the client says its content has
     * @throws ProblemException {@code content-hash-mismatch} or {@code quota-exceeded}; nothing is stored then
     */
    public BlobId put(TenantId owner, InputStream content, long size, @Nullable String expectedSha256) {
        requireFree(owner, Math.max(0, size));
        String staging = STAGING + UUID.randomUUID();
        try {
            Sha256Stream hashing = new Sha256Stream(content);
            objects.put(bucket, staging, hashing, size);
            BlobId id = hashing.result();
            requireExpected(id, expectedSha256);
            requireFree(owner, id);
            if (!touch(id)) {
                ifNotCollected(() -> objects.copy(bucket, staging, id.key(), id.size()));
            }
            enter(id, () -> blobs.own(owner, id));
            return id;
        } finally {
            discard(staging);
        }
    }

    private static void requireExpected(BlobId actual, @Nullable String expectedSha256) {
        if (expectedSha256 != null && !expectedSha256.equals(actual.sha256())) {
            throw new ProblemException(
                    ProblemCode.CONTENT_HASH_MISMATCH,
                    "content has SHA-256 " + actual.sha256() + ", expected " + expectedSha256);
        }
    }

    private void requireFree(TenantId owner, BlobId id) {
        if (blobs.findOwned(owner, List.of(id.sha256())).isEmpty()) {
            requireFree(owner, id.size());
        }
    }

    private void requireFree(TenantId owner, long bytes) {
        DataSize quota = collector.quota();
        OptionalLong limit = quota == null ? OptionalLong.empty() : OptionalLong.of(quota.toBytes());
        OptionalLong free = blobs.free(owner, limit);
        if (free.isPresent() && bytes > free.getAsLong()) {
            throw new ProblemException(
                    ProblemCode.QUOTA_EXCEEDED,
                    bytes + " bytes more are beyond the tenant's quota, which leaves " + Math.max(0, free.getAsLong())
                            + "; what is deleted counts until it is collected");
        }
    }

    /**
     * Only after the store itself has confirmed the size may a row say that the blob is there. It is asked behind the
     * row's lock, which whoever collects the object holds too.
     */
    private void enter(BlobId id, Runnable owning) {
        ifNotCollected(() -> transactions.executeWithoutResult(transaction -> {
            blobs.store(id);
            owning.run();
            requireStored(id);
        }));
    }

    /** An upload that took longer than the collector's grace, or that met a collection of the same bytes. */
    private static void ifNotCollected(Runnable step) {
        try {
            step.run();
        } catch (StorageException.MissingObject e) {
            throw new ProblemException(
                    ProblemCode.STORAGE_UNAVAILABLE, "the bytes were collected while they came; send them again", e);
        }
    }

    private void requireStored(BlobId id) {
        long stored = objects.stat(bucket, id.key()).size();
        if (stored != id.size()) {
            throw new ProblemException(
                    ProblemCode.BLOB_CORRUPT,
                    "blob " + id.sha256() + " was stored with " + stored + " bytes, expected " + id.size());
        }
    }

    private void discard(String staging) {
        try {
            objects.delete(bucket, staging);
        } catch (StorageException e) {
            LOG.warn("Left {} behind: {}", staging, e.getMessage());
        }
    }

    /** A part of a blob; the caller closes it. */
    public InputStream open(BlobId id, long offset, long length) {
        return objects.open(bucket, id.key(), offset, length);
    }

    public InputStream open(BlobId id) {
        return open(id, 0, id.size());
    }

    /** The blob with this hash, if the tenant has shown to have it: nobody is told what others store. */
    public Optional<BlobId> find(TenantId tenant, String sha256) {
        return blobs.findOwned(tenant, List.of(sha256)).stream().findFirst();
    }

    /** The blob with this hash, if it is stored, whosever it is. */
    public Optional<BlobId> find(String sha256) {
        return blobs.find(sha256);
    }

    /** Keeps what is stored of these from being collected for a while; texts that are no hashes are passed over. */
    public void keep(Collection<String> sha256s) {
        List<String> hashes =
                sha256s.stream().filter(BlobId::isSha256).distinct().toList();
        if (!hashes.isEmpty()) {
            blobs.touch(hashes, collector.grace());
        }
    }

    /**
     * Those that the tenant has not shown to have with exactly this size, whoever else has.
     *
     * <p>Knowing a hash must not be enough to read the bytes, so storing them is what counts. The others are kept from
     * being collected until the transaction that asks has named them.
     */
    public List<BlobId> missing(TenantId tenant, Collection<BlobId> wanted) {
        List<String> sha256s = wanted.stream().map(BlobId::sha256).distinct().toList();
        keep(sha256s);
        Set<BlobId> stored = Set.copyOf(blobs.findOwned(tenant, sha256s));
        return wanted.stream().filter(id -> !stored.contains(id)).distinct().toList();
    }
}
