package io.octavo.api.webhook;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.octavo.api.condition.Tagged;
import io.octavo.api.identity.Caller;
import io.octavo.api.problem.Problems;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.spec.PlainText;
import io.octavo.jobs.webhook.Delivery;
import io.octavo.jobs.webhook.DeliveryStatus;
import io.octavo.jobs.webhook.IssuedWebhook;
import io.octavo.jobs.webhook.Webhook;
import io.octavo.jobs.webhook.WebhookEvent;
import io.octavo.jobs.webhook.Webhooks;
import io.octavo.wire.Page;
import io.swagger.v3.oas.annotations.Operation;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotNull;
import jakarta.validation.constraints.Size;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping("/api/v1/webhooks")
class WebhookController {

    private final Webhooks webhooks;

    WebhookController(Webhooks webhooks) {
        this.webhooks = webhooks;
    }

    /** The answer is the only one that ever holds the secret. */
    @Operation(operationId = "createWebhook", summary = "Makes a webhook, whose secret only this answer holds")
    @PostMapping
    @ResponseStatus(HttpStatus.CREATED)
    ResponseEntity<WebhookView> create(Caller caller, @Valid @RequestBody WebhookRequest request) {
        List<WebhookEvent> events = request.events() == null
                ? WebhookEvent.OUTCOMES
                : request.events().stream()
                        .map(event -> Problems.read("events", () -> WebhookEvent.parse(event)))
                        .toList();
        IssuedWebhook issued = webhooks.create(caller.tenant(), request.url(), events, caller.getName());
        return ResponseEntity.created(
                        URI.create("/api/v1/webhooks/" + issued.webhook().id()))
                .body(WebhookView.of(issued.webhook(), issued.secret()));
    }

    @Operation(operationId = "listWebhooks", summary = "Lists webhooks, the newest first")
    @GetMapping
    Page<WebhookView> list(
            Caller caller,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return webhooks.list(caller.tenant(), PageLimit.of(limit), TimeCursor.parse(cursor))
                .map(webhook -> WebhookView.of(webhook, null));
    }

    @Operation(operationId = "getWebhook", summary = "Shows a webhook")
    @Tagged
    @GetMapping("/{id}")
    WebhookView get(Caller caller, @PathVariable UUID id) {
        return WebhookView.of(webhooks.get(caller.tenant(), id), null);
    }

    @Operation(operationId = "deleteWebhook", summary = "Deletes a webhook")
    @DeleteMapping("/{id}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void delete(Caller caller, @PathVariable UUID id) {
        webhooks.delete(caller.tenant(), id);
    }

    @Operation(operationId = "listWebhookDeliveries", summary = "Lists a webhook's deliveries, the newest first")
    @GetMapping("/{id}/deliveries")
    Page<Delivery> deliveries(
            Caller caller,
            @PathVariable UUID id,
            @RequestParam(required = false) @Nullable DeliveryStatus status,
            @RequestParam(required = false) @Nullable Integer limit,
            @RequestParam(required = false) @Nullable String cursor) {
        return webhooks.deliveries(caller.tenant(), id, status, PageLimit.of(limit), TimeCursor.parse(cursor));
    }

    @Operation(operationId = "replayWebhookDelivery", summary = "Delivers again what was delivered or given up")
    @PostMapping("/{id}/deliveries/{delivery}/replay")
    @ResponseStatus(HttpStatus.ACCEPTED)
    Delivery replay(Caller caller, @PathVariable UUID id, @PathVariable UUID delivery) {
        return webhooks.replay(caller.tenant(), id, delivery);
    }

    /** @param events a job's ends, where they are absent */
    record WebhookRequest(
            @NotNull @Size(max = 2048) @PlainText String url,

            @Nullable @Size(
                    min = 1,
                    max = 5,
                    message =
                            "must name 1 to 5 of job.queued, job.running, job.succeeded, job.failed and job.cancelled, or be absent")
            List<@NotNull @PlainText String> events) {}

    /** @param secret what signatures are checked with; only when the webhook is made */
    record WebhookView(
            UUID id,
            String url,
            List<String> events,
            boolean enabled,
            String createdBy,
            Instant createdAt,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String secret) {

        static WebhookView of(Webhook webhook, @Nullable String secret) {
            return new WebhookView(
                    webhook.id(),
                    webhook.url(),
                    webhook.events(),
                    webhook.enabled(),
                    webhook.createdBy(),
                    webhook.createdAt(),
                    secret);
        }
    }
}
