package io.octavo.jobs.webhook;

import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * A subscription, without its secret.
 *
 * @param enabled false once the receiver has answered 410 Gone
 */
public record Webhook(UUID id, String url, List<String> events, boolean enabled, String createdBy, Instant createdAt) {

    public Webhook {
        events = List.copyOf(events);
    }
}
