package io.octavo.jobs.blob;

import java.util.regex.Pattern;

/**
 * What a blob holds, told by its hash.
 *
 * @param sha256 64 lower-case hex digits
 */
public record BlobId(String sha256, long size) {

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    public BlobId {
        if (!SHA256.matcher(sha256).matches()) {
            throw new IllegalArgumentException("sha256 must be 64 lower-case hex digits");
        }
        if (size < 0) {
            throw new IllegalArgumentException("size must not be negative: " + size);
        }
    }

    public static boolean isSha256(String text) {
        return SHA256.matcher(text).matches();
    }

    /** Where the blob lies in the bucket. */
    String key() {
        return "blobs/sha256/" + sha256.substring(0, 2) + "/" + sha256.substring(2, 4) + "/" + sha256;
    }
}
