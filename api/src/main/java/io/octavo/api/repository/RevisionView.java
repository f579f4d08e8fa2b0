package io.octavo.api.repository;

import io.octavo.jobs.repository.FileEntry;
import io.octavo.jobs.repository.RevisionRecord;
import java.time.Instant;
import java.util.List;

/** A revision as clients see it. */
record RevisionView(String id, Instant createdAt, String message, List<FileEntry> files) {

    static RevisionView of(RevisionRecord revision) {
        return new RevisionView(revision.id(), revision.createdAt(), revision.message(), revision.files());
    }
}
