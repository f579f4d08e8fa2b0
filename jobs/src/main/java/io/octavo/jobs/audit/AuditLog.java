package io.octavo.jobs.audit;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.wire.Page;
import java.sql.Types;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Append only: the database itself refuses to change or delete a row. */
@Service
@Transactional
public class AuditLog {

    private static final int MAX_TARGET = 1024;

    private final JdbcClient sql;

    AuditLog(JdbcClient sql) {
        this.sql = sql;
    }

    /** A call that was turned away before it could change anything. */
    public void refused(AuditedCall call, int status) {
        append(call, AuditOutcome.REFUSED, status);
    }

    void append(AuditedCall call, AuditOutcome outcome, @Nullable Integer status) {
        String target = call.target();
        sql.sql("""
                        insert into audit_event (tenant, actor, action, target, outcome, status, address)
                        values (:tenant, :actor, :action, :target, :outcome, :status, :address)
                        """)
                .param("tenant", call.tenant().value())
                .param("actor", call.actor())
                .param("action", call.action())
                .param("target", target.length() > MAX_TARGET ? target.substring(0, MAX_TARGET) : target)
                .param("outcome", outcome.name())
                .param("status", status, Types.INTEGER)
                .param("address", call.address())
                .update();
    }

    /**
     * Newest first.
     *
     * @param before the id of the last event already seen
     */
    @Transactional(readOnly = true)
    public Page<AuditEvent> list(TenantId tenant, PageLimit limit, long before) {
        return Page.of(
                sql.sql("""
                        select id, at, actor, action, target, outcome, status, address from audit_event
                        where tenant = :tenant and id < :before order by id desc limit :count
                        """)
                        .param("tenant", tenant.value())
                        .param("before", before)
                        .param("count", limit.probe())
                        .query((row, number) -> new AuditEvent(
                                row.getLong("id"),
                                row.getTimestamp("at").toInstant(),
                                row.getString("actor"),
                                row.getString("action"),
                                row.getString("target"),
                                AuditOutcome.valueOf(row.getString("outcome")),
                                row.getObject("status", Integer.class),
                                row.getString("address")))
                        .list(),
                limit.value(),
                event -> Long.toString(event.id()));
    }
}
