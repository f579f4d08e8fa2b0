package io.octavo.jobs.webhook;

import io.octavo.jobs.queue.JobStateChanged;
import java.time.Instant;
import org.springframework.context.event.EventListener;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import org.springframework.transaction.annotation.Propagation;
import org.springframework.transaction.annotation.Transactional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Writes a delivery for every webhook that wants to know, in the transaction of the change itself. */
@Component
class WebhookOutbox {

    private static final int MAX_ATTEMPTS = 8;

    private final JdbcClient sql;

    WebhookOutbox(JdbcClient sql) {
        this.sql = sql;
    }

    @EventListener
    @Transactional(propagation = Propagation.MANDATORY)
    void on(JobStateChanged change) {
        String event = WebhookEvent.of(change.status()).slug();
        sql.sql("""
                        insert into webhook_delivery (id, tenant, webhook_id, event, payload, attempt_limit)
                        select gen_random_uuid(), tenant, id, :event, :payload, :limit
                        from webhook where tenant = :tenant and enabled and :event = any (events)
                        """)
                .param("event", event)
                .param("payload", payload(event, change))
                .param("limit", MAX_ATTEMPTS)
                .param("tenant", change.tenant().value())
                .update();
    }

    private static String payload(String event, JobStateChanged change) {
        ObjectNode payload = JsonNodeFactory.instance.objectNode().put("type", event);
        payload.put("timestamp", Instant.now().toString());
        ObjectNode data = payload.putObject("data")
                .put("jobId", change.jobId().toString())
                .put("jobType", change.type())
                .put("status", change.status().name())
                .put("attempt", change.attempt());
        if (change.parent() != null) {
            data.put("parent", change.parent().toString());
        }
        if (change.problem() != null) {
            data.putObject("problem")
                    .put("code", change.problem().code())
                    .put("detail", change.problem().detail());
        }
        return payload.toString();
    }
}
