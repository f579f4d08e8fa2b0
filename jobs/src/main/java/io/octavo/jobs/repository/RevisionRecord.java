package io.octavo.jobs.repository;

import io.octavo.hub.RepositoryName;
import java.time.Instant;
import java.util.List;

/**
 * An immutable state of a repository.
 *
 * @param id 40 hex digits
 * @param files sorted by path
 */
public record RevisionRecord(
        RepositoryName repository, String id, Instant createdAt, String message, List<FileEntry> files) {

    public RevisionRecord {
        files = List.copyOf(files);
    }
}
