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
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Service;

/**
 * Content-addressed blobs: {@code blobs/sha256/ab/cd/<sha256>} in the service's bucket, and a row for each that is known
 * to be whole. Storing the same content twice is harmless, whoever does it, so uploads need no fencing: a blob that
 * nothing refers to is garbage. No method runs inside a database transaction of its own longer than one insert.
 */
@Service
public class BlobStore {

    private static final Logger LOG = LoggerFactory.getLogger(BlobStore.class);

    private final ObjectStore objects;
    private final BlobRepository blobs;
    private final String bucket;

    BlobStore(ObjectStore objects, BlobRepository blobs, StorageProperties properties) {
        this.objects = objects;
        this.blobs = blobs;
        this.bucket = properties.bucket();
    }

    /**
     * Stores content whose hash the caller knows. It is hashed on the way, and does not appear if it differs.
     *
     * @param owner who has the bytes, as sending them shows
     * @throws ProblemException {@code content-hash-mismatch}
     */
    public void put(TenantId owner, BlobId id, InputStream content) {
        if (blobs.findBySha256(id.sha256()).isPresent()) {
            verify(id, content);
        } else {
            objects.put(bucket, id.key(), new Sha256Stream(content, id), id.size());
            requireStored(id);
        }
        blobs.store(owner.value(), id.sha256(), id.size());
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
     * @throws ProblemException {@code content-hash-mismatch}; nothing is stored then
     */
    public BlobId put(TenantId owner, InputStream content, long size, @Nullable String expectedSha256) {
        String staging = "staging/uploads/" + UUID.randomUUID();
        try {
            Sha256Stream hashing = new Sha256Stream(content);
            objects.put(bucket, staging, hashing, size);
            BlobId id = hashing.result();
            requireExpected(id, expectedSha256);
            if (blobs.findBySha256(id.sha256()).isEmpty()) {
                objects.copy(bucket, staging, id.key(), id.size());
                requireStored(id);
            }
            blobs.store(owner.value(), id.sha256(), id.size());
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

    /** Only after the store itself has confirmed the size may a row say that the blob is there. */
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

    /** The blob with this hash, if it is stored. */
    public Optional<BlobId> find(String sha256) {
        return blobs.findBySha256(sha256).map(Blob::id);
    }

    /**
     * Those that the tenant has not shown to have with exactly this size, whoever else has.
     *
     * <p>Knowing a hash must not be enough to read the bytes, so storing them is what counts.
     */
    public List<BlobId> missing(TenantId tenant, Collection<BlobId> wanted) {
        Set<BlobId> stored =
                blobs
                        .findOwned(
                                tenant.value(),
                                wanted.stream().map(BlobId::sha256).collect(Collectors.toSet()))
                        .stream()
                        .map(Blob::id)
                        .collect(Collectors.toSet());
        return wanted.stream().filter(id -> !stored.contains(id)).distinct().toList();
    }
}
