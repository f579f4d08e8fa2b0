package io.octavo.jobs.webhook;

/** A new webhook; this is the only time that its secret is shown. */
public record IssuedWebhook(Webhook webhook, String secret) {

    @Override
    public String toString() {
        return "IssuedWebhook[" + webhook + "]";
    }
}
