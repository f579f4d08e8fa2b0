package io.octavo.wire;

import java.time.Instant;
import java.util.List;

/**
 * An immutable list of files.
 *
 * @param id 40 hex digits
 */
public record RevisionView(String id, Instant createdAt, String message, List<RepositoryFile> files) {

    public RevisionView {
        files = List.copyOf(files);
    }
}
