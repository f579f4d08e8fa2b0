package io.octavo.api.webhook;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * @param poll how often the outbox is looked at
 * @param backoff wait before the second attempt; five times as long before each further one
 * @param maxBackoff the longest wait
 */
@ConfigurationProperties("octavo.webhooks")
public record WebhookProperties(
        @DefaultValue("1s") Duration poll,
        @DefaultValue("5s") Duration backoff,
        @DefaultValue("6h") Duration maxBackoff) {}
