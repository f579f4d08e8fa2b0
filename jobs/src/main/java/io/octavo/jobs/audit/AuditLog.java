package io.octavo.jobs.audit;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.Page;
import io.octavo.jobs.page.PageLimit;
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

    public void append(TenantId tenant, String actor, String action, String target, int status, String address) {
        sql.sql("""
                        insert into audit_event (tenant, actor, action, target, status, address)
                        values (:tenant, :actor, :action, :target, :status, :address)
                        """)
                .param("tenant", tenant.value())
                .param("actor", actor)
                .param("action", action)
                .param("target", target.length() > MAX_TARGET ? target.substring(0, MAX_TARGET) : target)
                .param("status", status)
                .param("address", address)
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
                        select id, at, actor, action, target, status, address from audit_event
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
                                row.getInt("status"),
                                row.getString("address")))
                        .list(),
                limit.value(),
                event -> Long.toString(event.id()));
    }
}
