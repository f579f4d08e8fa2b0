package io.octavo.jobs.identity;

import java.time.Instant;

/** @param name unique, for people */
public record Tenant(TenantId id, String name, Instant createdAt) {}
