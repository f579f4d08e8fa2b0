package io.octavo.jobs.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.repository.RepositoryPath;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * A file of a source, of which any part can be read.
 *
 * @param path below the source
 * @param known its hash, where the source tells it
 */
public record SourceFile(RepositoryPath path, long size, Optional<BlobId> known, Content content) {

    /** Opens parts of the bytes. */
    @FunctionalInterface
    public interface Content {
        /** The caller closes the stream. */
        InputStream open(long offset, long length) throws IOException;
    }

    /** All bytes; the caller closes the stream. */
    public InputStream open() throws IOException {
        return content.open(0, size);
    }
}
