/**
 * Webhooks over REST, and the sender that empties the outbox.
 *
 * <p>Entry classes: {@code WebhookController}, {@code WebhookSender}.
 */
@NullMarked
package io.octavo.api.webhook;

import org.jspecify.annotations.NullMarked;
