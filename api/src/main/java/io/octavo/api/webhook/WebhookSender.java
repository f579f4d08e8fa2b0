package io.octavo.api.webhook;

import io.octavo.jobs.lifecycle.LoopingThread;
import io.octavo.jobs.lifecycle.Restartable;
import io.octavo.jobs.outgoing.OutgoingHttp;
import io.octavo.jobs.webhook.DueDelivery;
import io.octavo.jobs.webhook.Webhooks;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Lazy;
import org.springframework.dao.DataAccessException;
import org.springframework.stereotype.Component;
import org.springframework.transaction.TransactionException;

/**
 * Empties the outbox. Every replica runs one; a message that is taken is nobody else's for a while, so that it is sent
 * once as long as nobody dies, and at least once in any case.
 */
@Component
@Lazy(false)
class WebhookSender extends Restartable {

    private static final Logger LOG = LoggerFactory.getLogger(WebhookSender.class);
    private static final int AT_ONCE = 32;
    private static final Duration HOLD = Duration.ofMinutes(1);
    private static final int GONE = 410;
    private static final int GROWTH = 5;
    private static final int MAX_FAILURE = 200;

    private final Webhooks webhooks;
    private final OutgoingHttp http;
    private final WebhookProperties properties;
    private final Semaphore room = new Semaphore(AT_ONCE);

    WebhookSender(Webhooks webhooks, OutgoingHttp http, WebhookProperties properties) {
        this.webhooks = webhooks;
        this.http = http;
        this.properties = properties;
    }

    @Override
    protected Life newLife() {
        return new Sending();
    }

    private final class Sending extends LoopingThread {

        Sending() {
            super(Thread.ofVirtual().name("webhooks"));
        }

        @Override
        protected void run() {
            boolean resealed = false;
            while (!isStopped()) {
                try {
                    if (!resealed) {
                        webhooks.resealSecrets();
                        resealed = true;
                    }
                    send();
                } catch (DataAccessException | TransactionException e) {
                    LOG.warn("Could not look at the outbox: {}", e.getMessage());
                } catch (IllegalStateException e) {
                    LOG.error("Webhooks are not sent: {}", e.getMessage());
                }
                pause(properties.poll().toMillis());
            }
        }

        /** Goes on while there is more than one look can take. */
        private void send() {
            int free;
            List<DueDelivery> due;
            do {
                free = room.drainPermits();
                due = take(free);
                for (DueDelivery delivery : due) {
                    Thread.ofVirtual().name("webhook-" + delivery.id()).start(() -> deliver(delivery));
                }
            } while (!due.isEmpty() && due.size() == free && !isStopped());
        }

        /** Permits of what is not due go back at once, the others when their delivery is over. */
        private List<DueDelivery> take(int free) {
            List<DueDelivery> due = List.of();
            try {
                due = free == 0 ? due : webhooks.takeDue(free, HOLD);
                return due;
            } finally {
                room.release(free - due.size());
            }
        }
    }

    private void deliver(DueDelivery delivery) {
        try {
            settle(delivery);
        } catch (DataAccessException | TransactionException e) {
            LOG.warn("What came of delivery {} could not be written: {}", delivery.id(), e.getMessage());
        } finally {
            room.release();
        }
    }

    private void settle(DueDelivery delivery) {
        int status;
        try {
            status = post(delivery);
        } catch (IOException e) {
            String message = String.valueOf(e.getMessage());
            webhooks.failed(
                    delivery, pause(delivery), null, message.substring(0, Math.min(message.length(), MAX_FAILURE)));
            return;
        }
        if (status >= 200 && status < 300) {
            webhooks.delivered(delivery, status);
        } else if (status == GONE) {
            webhooks.gone(delivery, status);
        } else {
            webhooks.failed(delivery, pause(delivery), status, null);
        }
    }

    private int post(DueDelivery delivery) throws IOException {
        String id = delivery.id().toString();
        long now = Clock.systemUTC().instant().getEpochSecond();
        return http.post(
                delivery.url(),
                Map.of(
                        "webhook-id",
                        id,
                        "webhook-timestamp",
                        Long.toString(now),
                        "webhook-signature",
                        WebhookSignature.sign(delivery.secret(), id, now, delivery.payload()),
                        "User-Agent",
                        "octavo-webhooks/1"),
                delivery.payload().getBytes(StandardCharsets.UTF_8));
    }

    /** Exponential, with jitter, so that a receiver which comes back is not met by all at once. */
    private Duration pause(DueDelivery delivery) {
        double millis = properties.backoff().toMillis() * Math.pow(GROWTH, delivery.attempt() - 1);
        double capped = Math.min(millis, (double) properties.maxBackoff().toMillis());
        return Duration.ofMillis((long) (capped * RandomGenerator.getDefault().nextDouble(0.5, 1.0)));
    }
}
