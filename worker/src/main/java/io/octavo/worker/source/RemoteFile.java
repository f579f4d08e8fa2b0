package io.octavo.worker.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.repository.RepositoryPath;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * A file that can be brought here.
 *
 * @param path below the source
 * @param known its hash, where the source tells it
 */
record RemoteFile(RepositoryPath path, long size, Optional<BlobId> known, Content content) {

    /** Opens the bytes; the caller closes them. */
    @FunctionalInterface
    interface Content {
        InputStream open() throws IOException;
    }
}
