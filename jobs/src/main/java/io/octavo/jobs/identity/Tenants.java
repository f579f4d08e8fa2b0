package io.octavo.jobs.identity;

import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.Page;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Who shares this service. Tenants are the operator's to make. */
@Service
@Transactional
public class Tenants {

    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

    private final JdbcClient sql;

    Tenants(JdbcClient sql) {
        this.sql = sql;
    }

    /** @throws ProblemException {@code tenant-exists} */
    public Tenant create(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "name must be 1 to 63 lower-case letters, digits or '-', starting with a letter or digit");
        }
        return sql.sql("""
                        insert into tenant (id, name) values (:id, :name) on conflict (name) do nothing
                        returning id, name, created_at
                        """)
                .param("id", UUID.randomUUID())
                .param("name", name)
                .query((row, number) -> tenant(row))
                .optional()
                .orElseThrow(() -> new ProblemException(ProblemCode.TENANT_EXISTS, "tenant " + name + " exists"));
    }

    @Transactional(readOnly = true)
    public Optional<Tenant> find(TenantId id) {
        return sql.sql("select id, name, created_at from tenant where id = :id")
                .param("id", id.value())
                .query((row, number) -> tenant(row))
                .optional();
    }

    /** By its name, as tokens of identity providers carry it. */
    @Transactional(readOnly = true)
    public Optional<Tenant> find(String name) {
        return sql.sql("select id, name, created_at from tenant where name = :name")
                .param("name", name)
                .query((row, number) -> tenant(row))
                .optional();
    }

    /** Newest first. */
    @Transactional(readOnly = true)
    public Page<Tenant> list(PageLimit limit, TimeCursor cursor) {
        return Page.of(
                sql.sql("""
                        select id, name, created_at from tenant where (created_at, id) < (:at, :before)
                        order by created_at desc, id desc limit :count
                        """)
                        .param("at", cursor.at().atOffset(ZoneOffset.UTC))
                        .param("before", cursor.id())
                        .param("count", limit.probe())
                        .query((row, number) -> tenant(row))
                        .list(),
                limit.value(),
                tenant -> new TimeCursor(tenant.createdAt(), tenant.id().value()).toString());
    }

    private static Tenant tenant(ResultSet row) throws SQLException {
        return new Tenant(
                new TenantId(row.getObject("id", UUID.class)),
                row.getString("name"),
                row.getTimestamp("created_at").toInstant());
    }
}
