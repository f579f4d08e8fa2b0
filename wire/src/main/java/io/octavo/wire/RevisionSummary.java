package io.octavo.wire;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A revision as listings show it, without its files.
 *
 * @param deletion of one that is deleted
 */
public record RevisionSummary(
        String id,
        Instant createdAt,
        String message,

        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Deletion deletion) {}
