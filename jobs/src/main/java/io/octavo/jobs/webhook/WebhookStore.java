package io.octavo.jobs.webhook;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.TimeCursor;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import org.springframework.transaction.annotation.Transactional;

/** Rows of {@code webhook} and {@code webhook_delivery}. */
@Repository
class WebhookStore {

    private static final String WEBHOOK = "id, url, events, enabled, created_by, created_at";
    private static final String DELIVERY =
            "id, event, status, attempt, created_at, available_at, delivered_at, answer_status, failure";

    private final JdbcClient sql;

    WebhookStore(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * Counts and inserts as one: of many that come at once no more get in than may.
     *
     * @return whether there was room
     */
    @Transactional
    boolean insert(
            UUID id,
            TenantId tenant,
            String url,
            List<String> events,
            String sealedSecret,
            String createdBy,
            int most) {
        sql.sql("select pg_advisory_xact_lock(hashtext('octavo.webhook ' || :tenant))")
                .param("tenant", tenant.toString())
                .query()
                .singleRow();
        return sql.sql("""
                        insert into webhook (id, tenant, url, events, secret, created_by)
                        select :id, :tenant, :url, string_to_array(:events, ','), :secret, :createdBy
                        where (select count(*) from webhook where tenant = :tenant) < :most
                        """)
                        .param("id", id)
                        .param("tenant", tenant.value())
                        .param("url", url)
                        .param("events", String.join(",", events))
                        .param("secret", sealedSecret)
                        .param("createdBy", createdBy)
                        .param("most", most)
                        .update()
                == 1;
    }

    Optional<Webhook> find(TenantId tenant, UUID id) {
        return sql.sql("select " + WEBHOOK + " from webhook where tenant = :tenant and id = :id")
                .param("tenant", tenant.value())
                .param("id", id)
                .query((row, number) -> webhook(row))
                .optional();
    }

    List<Webhook> page(TenantId tenant, TimeCursor before, int count) {
        return sql.sql("select " + WEBHOOK + """
                         from webhook where tenant = :tenant and (created_at, id) < (:at, :id)
                        order by created_at desc, id desc limit :count
                        """)
                .param("tenant", tenant.value())
                .param("at", before.at().atOffset(ZoneOffset.UTC))
                .param("id", before.id())
                .param("count", count)
                .query((row, number) -> webhook(row))
                .list();
    }

    boolean delete(TenantId tenant, UUID id) {
        return sql.sql("delete from webhook where tenant = :tenant and id = :id")
                        .param("tenant", tenant.value())
                        .param("id", id)
                        .update()
                == 1;
    }

    void disable(UUID id) {
        sql.sql("update webhook set enabled = false where id = :id")
                .param("id", id)
                .update();
    }

    List<Delivery> deliveries(
            TenantId tenant, UUID webhook, @Nullable DeliveryStatus status, TimeCursor before, int count) {
        return sql.sql("select " + DELIVERY + """
                         from webhook_delivery
                        where tenant = :tenant and webhook_id = :webhook and (:status = '' or status = :status)
                            and (created_at, id) < (:at, :id)
                        order by created_at desc, id desc limit :count
                        """)
                .param("tenant", tenant.value())
                .param("webhook", webhook)
                .param("status", status == null ? "" : status.name())
                .param("at", before.at().atOffset(ZoneOffset.UTC))
                .param("id", before.id())
                .param("count", count)
                .query((row, number) -> delivery(row))
                .list();
    }

    /** Makes a message due now, with a full set of attempts. */
    Optional<Delivery> replay(TenantId tenant, UUID webhook, UUID delivery, int attempts) {
        return sql.sql("""
                        update webhook_delivery set status = 'PENDING', available_at = now(), delivered_at = null,
                            attempt_limit = attempt + :attempts
                        where tenant = :tenant and webhook_id = :webhook and id = :id
                        returning\s""" + DELIVERY)
                .param("attempts", attempts)
                .param("tenant", tenant.value())
                .param("webhook", webhook)
                .param("id", delivery)
                .query((row, number) -> delivery(row))
                .optional();
    }

    /**
     * Takes messages that are due, of the tenants in turn, so that one with slow receivers keeps nobody else's waiting for
     * more than one of its own. Each becomes due again after {@code hold}, should nobody tell what came of it. Their secrets
     * are sealed.
     */
    List<DueDelivery> take(int count, Duration hold) {
        return sql.sql("""
                        update webhook_delivery d
                        set attempt = attempt + 1, available_at = now() + make_interval(secs => :hold)
                        from webhook w
                        where w.id = d.webhook_id and d.id in (
                            select id from (
                                select due.id, due.available_at,
                                    row_number() over (partition by owner.tenant order by due.available_at) as turn
                                from (select distinct tenant from webhook) owner
                                cross join lateral (
                                    select id, available_at from webhook_delivery
                                    where tenant = owner.tenant and status = 'PENDING' and available_at <= now()
                                    order by available_at limit :count for update skip locked) due) fair
                            order by turn, available_at limit :count)
                        returning d.id, d.webhook_id, w.url, w.secret, d.payload, d.attempt, d.attempt_limit
                        """)
                .param("hold", hold.toMillis() / 1000.0)
                .param("count", count)
                .query(DueDelivery.class)
                .list();
    }

    /** Nothing happens if the message was taken again since. */
    void settle(
            UUID id,
            int attempt,
            DeliveryStatus status,
            Duration pause,
            @Nullable Integer answerStatus,
            @Nullable String failure) {
        sql.sql("""
                        update webhook_delivery set status = :status,
                            available_at = now() + make_interval(secs => :pause),
                            delivered_at = case when :status = 'DELIVERED' then now() end,
                            answer_status = :answerStatus, failure = :failure
                        where id = :id and attempt = :attempt and status = 'PENDING'
                        """)
                .param("status", status.name())
                .param("pause", pause.toMillis() / 1000.0)
                .param("answerStatus", answerStatus, java.sql.Types.INTEGER)
                .param("failure", failure, java.sql.Types.VARCHAR)
                .param("id", id)
                .param("attempt", attempt)
                .update();
    }

    List<Sealed> secrets() {
        return sql.sql("select id, secret from webhook").query(Sealed.class).list();
    }

    void reseal(Sealed before, String secret) {
        sql.sql("update webhook set secret = :secret where id = :id and secret = :before")
                .param("secret", secret)
                .param("id", before.id())
                .param("before", before.secret())
                .update();
    }

    private static Webhook webhook(ResultSet row) throws SQLException {
        return new Webhook(
                row.getObject("id", UUID.class),
                row.getString("url"),
                Arrays.asList((String[]) row.getArray("events").getArray()),
                row.getBoolean("enabled"),
                row.getString("created_by"),
                row.getTimestamp("created_at").toInstant());
    }

    private static Delivery delivery(ResultSet row) throws SQLException {
        DeliveryStatus status = DeliveryStatus.valueOf(row.getString("status"));
        return new Delivery(
                row.getObject("id", UUID.class),
                row.getString("event"),
                status,
                row.getInt("attempt"),
                row.getTimestamp("created_at").toInstant(),
                status == DeliveryStatus.PENDING ? instant(row.getTimestamp("available_at")) : null,
                instant(row.getTimestamp("delivered_at")),
                row.getObject("answer_status", Integer.class),
                row.getString("failure"));
    }

    private static @Nullable Instant instant(@Nullable Timestamp time) {
        return time == null ? null : time.toInstant();
    }

    record Sealed(UUID id, String secret) {}
}
