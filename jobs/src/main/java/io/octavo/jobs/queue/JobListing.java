package io.octavo.jobs.queue;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.wire.JobStatus;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/** Finds a tenant's jobs. Only what is asked for stands in the statement, so that each filter can use its index. */
@Component
class JobListing {

    private final JdbcClient sql;
    private final JsonMapper json;

    JobListing(JdbcClient sql, JsonMapper json) {
        this.sql = sql;
        this.json = json;
    }

    /** Ids, the newest first. */
    List<UUID> page(TenantId tenant, JobFilter filter, TimeCursor before, int count) {
        StringBuilder statement = new StringBuilder("select id from job where tenant = :tenant and deleted_at is null"
                + " and (created_at, id) < (:at, :id)");
        filter.status().ifPresent(status -> statement.append(" and status = :status"));
        filter.type().ifPresent(type -> statement.append(" and type = :type"));
        filter.parent().ifPresent(parent -> statement.append(" and parent = :parent"));
        if (!filter.labels().isEmpty()) {
            statement.append(" and labels <> '{}' and labels @> cast(:labels as jsonb)"); // as the index has it
        }
        return sql.sql(statement
                        .append(" order by created_at desc, id desc limit :count")
                        .toString())
                .param("tenant", tenant.value())
                .param("at", before.at().atOffset(ZoneOffset.UTC))
                .param("id", before.id())
                .param("status", filter.status().map(JobStatus::name).orElse(""))
                .param("type", filter.type().orElse(""))
                .param("parent", filter.parent().orElse(tenant.value()))
                .param("labels", json.writeValueAsString(filter.labels()))
                .param("count", count)
                .query(UUID.class)
                .list();
    }
}
