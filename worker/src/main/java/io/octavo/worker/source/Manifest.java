package io.octavo.worker.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.hash.Sha256;
import io.octavo.jobs.repository.RepositoryPath;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;

/** One hash for many files. */
final class Manifest {

    private final MessageDigest digest = Sha256.digest();

    /** Files come in the order of the source's listing. */
    void add(RepositoryPath path, BlobId content) {
        digest.update((path + "\0" + content.size() + "\0" + content.sha256() + "\n").getBytes(StandardCharsets.UTF_8));
    }

    /** Ends the manifest. */
    String sha256() {
        return HexFormat.of().formatHex(digest.digest());
    }
}
