package io.octavo.jobs.blob;

import io.octavo.wire.RepositoryFile;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What a blob holds, told by its hash.
 *
 * @param sha256 64 lower-case hex digits
 */
public record BlobId(String sha256, long size) {

    static final String PREFIX = "blobs/sha256/";

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    public BlobId {
        if (!SHA256.matcher(sha256).matches()) {
            throw new IllegalArgumentException("sha256 must be 64 lower-case hex digits");
        }
        if (size < 0) {
            throw new IllegalArgumentException("size must not be negative: " + size);
        }
    }

    public static BlobId of(RepositoryFile file) {
        return new BlobId(file.sha256(), file.size());
    }

    static boolean isSha256(String text) {
        return SHA256.matcher(text).matches();
    }

    /** Where the blob lies in the bucket. */
    String key() {
        return PREFIX + sha256.substring(0, 2) + "/" + sha256.substring(2, 4) + "/" + sha256;
    }

    /** The blob that belongs at a place in the bucket; empty where none does. */
    static Optional<BlobId> ofKey(String key, long size) {
        String sha256 = key.substring(key.lastIndexOf('/') + 1);
        return Optional.of(sha256)
                .filter(BlobId::isSha256)
                .map(text -> new BlobId(text, size))
                .filter(id -> id.key().equals(key));
    }
}
