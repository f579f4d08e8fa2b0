package io.octavo.jobs.webhook;

import java.util.UUID;

/**
 * A message to send now.
 *
 * @param attempt which one this is, from 1
 * @param secret of its webhook, as it is given to the receiver
 */
public record DueDelivery(
        UUID id, UUID webhookId, String url, String secret, String payload, int attempt, int attemptLimit) {

    DueDelivery withSecret(String opened) {
        return new DueDelivery(id, webhookId, url, opened, payload, attempt, attemptLimit);
    }

    @Override
    public String toString() {
        return "DueDelivery[" + id + ", attempt=" + attempt + "]";
    }
}
