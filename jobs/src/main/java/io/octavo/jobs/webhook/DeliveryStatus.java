package io.octavo.jobs.webhook;

/** Where a message stands. */
public enum DeliveryStatus {
    PENDING,
    DELIVERED,
    /** Given up on; a replay tries again. */
    DEAD
}
