package io.octavo.wire;

import java.time.Instant;

/**
 * That something is deleted, and not yet collected.
 *
 * @param restorableUntil from then on it cannot be restored
 */
public record Deletion(Instant deletedAt, Instant restorableUntil) {}
