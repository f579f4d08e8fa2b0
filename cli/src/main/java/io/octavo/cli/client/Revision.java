package io.octavo.cli.client;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An immutable list of files.
 *
 * @param id 40 hex digits
 */
public record Revision(
        String id, @Nullable Instant createdAt, @Nullable String message, List<RepositoryFile> files) {

    public Revision {
        files = List.copyOf(files);
    }
}
