package io.octavo.jobs.webhook;

import io.octavo.wire.JobStatus;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What can be subscribed to: a job reached a state. */
public enum WebhookEvent {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_CANCELLED;

    /** Those of a job's end. */
    public static final List<WebhookEvent> OUTCOMES = List.of(JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED);

    /** Such as {@code job.succeeded}. */
    public String slug() {
        return name().replace('_', '.').toLowerCase(Locale.ROOT);
    }

    static WebhookEvent of(JobStatus status) {
        return valueOf("JOB_" + status.name());
    }

    /** @throws IllegalArgumentException naming those that exist */
    public static WebhookEvent parse(String slug) {
        return Arrays.stream(values())
                .filter(event -> event.slug().equals(slug))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("must be some of "
                        + String.join(
                                ", ",
                                Arrays.stream(values()).map(WebhookEvent::slug).toList())
                        + ": " + slug));
    }
}
