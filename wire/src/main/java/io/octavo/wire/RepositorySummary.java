package io.octavo.wire;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A repository as listings show it.
 *
 * @param name {@code namespace/name}
 * @param revision the newest; absent where all were deleted
 * @param sizeBytes of the newest revision's files
 * @param retentionDays after which revisions but the newest are deleted; absent where they stay
 */
public record RepositorySummary(
        String name,
        Instant createdAt,
        @Nullable String revision,
        long sizeBytes,
        @Nullable Integer retentionDays) {}
