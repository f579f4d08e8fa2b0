package io.octavo.jobs.identity;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A key without its secret.
 *
 * @param prefix the part of the key that may be shown
 * @param createdBy who made it
 * @param lastUsedAt to the minute
 */
public record ApiKey(
        UUID id,
        TenantId tenant,
        String name,
        String prefix,
        Scope scope,
        String createdBy,
        Instant createdAt,
        @Nullable Instant expiresAt,
        @Nullable Instant revokedAt,
        @Nullable Instant lastUsedAt) {}
