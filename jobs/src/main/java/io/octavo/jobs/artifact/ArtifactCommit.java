package io.octavo.jobs.artifact;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.BlobId;
import io.octavo.wire.RepositoryFile;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a quantize or convert job wants to make visible.
 *
 * @param files all stored as blobs already
 * @param report the verification report, stored as a blob already
 * @param contentKey a SHA-256 over all that decides the files; empty where they cannot be reused
 * @param facts the job's result but for what the commit itself adds: artifact id, repository, revision and URI
 */
public record ArtifactCommit(
        RepositoryName repository,
        String message,
        ArtifactLabel label,
        List<RepositoryFile> files,
        Lineage lineage,
        BlobId report,
        Optional<String> contentKey,
        ObjectNode facts) {

    public ArtifactCommit {
        files = List.copyOf(files);
    }

    long sizeBytes() {
        return files.stream().mapToLong(RepositoryFile::size).sum();
    }
}
