package io.octavo.jobs.webhook;

import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One message to one webhook.
 *
 * @param id the message's {@code webhook-id}, the same over all attempts
 * @param attempt how often it was tried
 * @param nextAttemptAt absent once it is delivered or dead
 * @param answerStatus of the last attempt, where there was an answer
 * @param failure of the last attempt, where there was none
 */
public record Delivery(
        UUID id,
        String event,
        DeliveryStatus status,
        int attempt,
        Instant createdAt,
        @Nullable Instant nextAttemptAt,
        @Nullable Instant deliveredAt,
        @Nullable Integer answerStatus,
        @Nullable String failure) {}
