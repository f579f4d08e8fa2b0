package io.octavo.jobs.repository;

import io.octavo.jobs.blob.BlobId;
import jakarta.persistence.Embeddable;

/**
 * A file of a revision or an artifact.
 *
 * @param path see {@link RepositoryPath}
 */
@Embeddable
public record FileEntry(String path, long size, String sha256) {

    public BlobId blob() {
        return new BlobId(sha256, size);
    }
}
