package io.octavo.wire;

import java.time.Instant;

/** A revision as listings show it, without its files. */
public record RevisionSummary(String id, Instant createdAt, String message) {}
