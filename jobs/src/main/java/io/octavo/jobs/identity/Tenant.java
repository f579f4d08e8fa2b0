package io.octavo.jobs.identity;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * @param name unique, for people
 * @param maxBytes that it may store; null for the service's default
 */
public record Tenant(
        TenantId id,
        String name,
        Instant createdAt,
        @Nullable Long maxBytes) {}
