package io.octavo.wire;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A repository as listings show it.
 *
 * @param name {@code namespace/name}
 * @param revision the newest; absent where all were deleted
 * @param sizeBytes of the newest revision's files
 * @param retentionDays after which revisions but the newest are deleted; absent where they stay
 * @param deletion of one that is deleted, or whose revisions were deleted with it before it was pushed to again; {@code
 *     revision} and {@code sizeBytes} are then of what is restored
 */
public record RepositorySummary(
        String name,
        Instant createdAt,
        @Nullable String revision,
        long sizeBytes,
        @Nullable Integer retentionDays,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Deletion deletion) {}
