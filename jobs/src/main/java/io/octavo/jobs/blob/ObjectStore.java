package io.octavo.jobs.blob;

import java.io.InputStream;
import java.time.Instant;
import java.util.List;

/**
 * Objects in buckets, with typed failures. Thread-safe. An object appears when its upload has ended, never half, and
 * survives a power cut from then on.
 */
public interface ObjectStore extends AutoCloseable {

    /** For uploads of unknown length. */
    long UNKNOWN_SIZE = -1;

    /** Makes the bucket if it is missing: now, or before the first upload if the store is away now. */
    void ensureBucketSoon(String bucket);

    ObjectInfo stat(String bucket, String key);

    /**
     * Objects below a prefix, by key.
     *
     * @param maxCount stops there
     */
    List<ObjectInfo> list(String bucket, String prefix, int maxCount);

    /** Objects below a prefix that were last written before a moment. */
    List<ObjectInfo> listOlder(String bucket, String prefix, Instant moment);

    /** The caller closes the stream; reading it throws {@link StorageException} if the store fails. */
    InputStream open(String bucket, String key, long offset, long length);

    /**
     * Uploads a stream. A failure of {@code content} itself comes through as it was thrown.
     *
     * @param size of the content, or {@link #UNKNOWN_SIZE}
     */
    void put(String bucket, String key, InputStream content, long size);

    /**
     * Copies inside the store.
     *
     * @param size of the object
     */
    void copy(String bucket, String from, String to, long size);

    /** Does nothing where there is none. */
    void delete(String bucket, String key);

    /** Whether uploads fail, or would, for want of room. */
    boolean isFull();

    @Override
    void close();
}
