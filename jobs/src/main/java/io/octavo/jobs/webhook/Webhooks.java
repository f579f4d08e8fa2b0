package io.octavo.jobs.webhook;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.outgoing.OutgoingHttp;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.secret.SecretBox;
import io.octavo.wire.Page;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;

/** Webhooks and their deliveries. */
@Service
@Transactional
public class Webhooks {

    private static final int MAX_PER_TENANT = 20;
    private static final int SECRET_BYTES = 32;
    private static final int REPLAY_ATTEMPTS = 8;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final WebhookStore store;
    private final SecretBox box;
    private final OutgoingHttp http;

    Webhooks(WebhookStore store, SecretBox box, OutgoingHttp http) {
        this.store = store;
        this.box = box;
        this.http = http;
    }

    /**
     * Looks the host up, so it runs in no transaction.
     *
     * @throws ProblemException {@code address-not-allowed}, {@code secrets-not-configured} or {@code webhook-limit}
     */
    @Transactional(propagation = Propagation.NOT_SUPPORTED)
    public IssuedWebhook create(TenantId tenant, String url, List<WebhookEvent> events, String createdBy) {
        http.requireCallable(url);
        byte[] drawn = new byte[SECRET_BYTES];
        RANDOM.nextBytes(drawn);
        String secret = "whsec_" + Base64.getEncoder().encodeToString(drawn);
        UUID id = UUID.randomUUID();
        List<String> slugs = events.stream().distinct().map(WebhookEvent::slug).toList();
        if (!store.insert(id, tenant, url, slugs, box.seal(place(id), secret), createdBy, MAX_PER_TENANT)) {
            throw new ProblemException(
                    ProblemCode.WEBHOOK_LIMIT, "a tenant may have " + MAX_PER_TENANT + " webhooks; delete one first");
        }
        return new IssuedWebhook(get(tenant, id), secret);
    }

    @Transactional(readOnly = true)
    public Webhook get(TenantId tenant, UUID id) {
        return store.find(tenant, id).orElseThrow(() -> notFound(id));
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<Webhook> list(TenantId tenant, PageLimit limit, TimeCursor cursor) {
        return Page.of(
                store.page(tenant, cursor, limit.probe()),
                limit.value(),
                webhook -> new TimeCursor(webhook.createdAt(), webhook.id()).toString());
    }

    /** With all of its deliveries. */
    public void delete(TenantId tenant, UUID id) {
        if (!store.delete(tenant, id)) {
            throw notFound(id);
        }
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<Delivery> deliveries(
            TenantId tenant, UUID webhook, @Nullable DeliveryStatus status, PageLimit limit, TimeCursor cursor) {
        get(tenant, webhook);
        return Page.of(
                store.deliveries(tenant, webhook, status, cursor, limit.probe()),
                limit.value(),
                delivery -> new TimeCursor(delivery.createdAt(), delivery.id()).toString());
    }

    /** Sends a message once more, whatever came of it before. */
    public Delivery replay(TenantId tenant, UUID webhook, UUID delivery) {
        get(tenant, webhook);
        return store.replay(tenant, webhook, delivery, REPLAY_ATTEMPTS)
                .orElseThrow(() -> new ProblemException(
                        ProblemCode.DELIVERY_NOT_FOUND, "delivery " + delivery + " does not exist"));
    }

    /**
     * Takes messages that are due.
     *
     * @param hold how long nobody else takes them
     */
    public List<DueDelivery> takeDue(int count, Duration hold) {
        return store.take(count, hold).stream()
                .map(due -> due.withSecret(box.open(place(due.webhookId()), due.secret())))
                .toList();
    }

    public void delivered(DueDelivery delivery, int answerStatus) {
        store.settle(delivery.id(), delivery.attempt(), DeliveryStatus.DELIVERED, Duration.ZERO, answerStatus, null);
    }

    /** @param pause before the next attempt, if one is left */
    public void failed(DueDelivery delivery, Duration pause, @Nullable Integer answerStatus, @Nullable String failure) {
        boolean last = delivery.attempt() >= delivery.attemptLimit();
        store.settle(
                delivery.id(),
                delivery.attempt(),
                last ? DeliveryStatus.DEAD : DeliveryStatus.PENDING,
                pause,
                answerStatus,
                failure);
    }

    /** The receiver wants nothing more. */
    public void gone(DueDelivery delivery, int answerStatus) {
        store.settle(delivery.id(), delivery.attempt(), DeliveryStatus.DEAD, Duration.ZERO, answerStatus, null);
        store.disable(delivery.webhookId());
    }

    /** Seals secrets anew whose key is no longer the current one, so that it can be removed. */
    public void resealSecrets() {
        store.secrets().stream()
                .filter(kept -> box.isStale(kept.secret()))
                .forEach(kept ->
                        store.reseal(kept, box.seal(place(kept.id()), box.open(place(kept.id()), kept.secret()))));
    }

    private static String place(UUID id) {
        return "webhook/" + id;
    }

    private static ProblemException notFound(UUID id) {
        return new ProblemException(ProblemCode.WEBHOOK_NOT_FOUND, "webhook " + id + " does not exist");
    }
}
