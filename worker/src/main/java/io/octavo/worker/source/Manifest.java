package io.octavo.worker.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.repository.RepositoryPath;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** One hash for many files. */
final class Manifest {

    private final MessageDigest digest;

    Manifest() {
        try {
            this.digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    /** Files come in the order of the source's listing. */
    void add(RepositoryPath path, BlobId content) {
        digest.update((path + "\0" + content.size() + "\0" + content.sha256() + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the manifest. */
    String sha256() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
