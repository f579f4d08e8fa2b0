package io.octavo.jobs.identity;

import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.Page;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.ZoneOffset;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Who shares this service. Tenants are the operator's to make. */
@Service
@Transactional
public class Tenants {

    private static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,62}");

    private static final String SELECT =
            "select id, name, created_at, max_bytes from tenant where deleted_at is null and ";

    private final JdbcClient sql;

    private final Namespaces namespaces;

    Tenants(JdbcClient sql, Namespaces namespaces) {
        this.sql = sql;
        this.namespaces = namespaces;
    }

    /**
     * It gets the namespace of its name, unless somebody has that.
     *
     * @throws ProblemException {@code tenant-exists}
     */
    public Tenant create(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new ProblemException(
                    ProblemCode.INVALID_REQUEST,
                    "name must be 1 to 63 lower-case letters, digits or '-', starting with a letter or digit");
        }
        Tenant tenant = sql.sql("""
                        insert into tenant (id, name) values (:id, :name) on conflict (name) do nothing
                        returning id, name, created_at, max_bytes
                        """)
                .param("id", UUID.randomUUID())
                .param("name", name)
                .query((row, number) -> tenant(row))
                .optional()
                .orElseThrow(() -> new ProblemException(ProblemCode.TENANT_EXISTS, "tenant " + name + " exists"));
        namespaces.takeIfFree(tenant.id(), name);
        return tenant;
    }

    @Transactional(readOnly = true)
    public Optional<Tenant> find(TenantId id) {
        return sql.sql(SELECT + "id = :id")
                .param("id", id.value())
                .query((row, number) -> tenant(row))
                .optional();
    }

    /** By its name, as tokens of identity providers carry it. */
    @Transactional(readOnly = true)
    public Optional<Tenant> find(String name) {
        return sql.sql(SELECT + "name = :name")
                .param("name", name)
                .query((row, number) -> tenant(row))
                .optional();
    }

    /**
     * Newest first.
     *
     * @param search in their names
     */
    @Transactional(readOnly = true)
    public Page<Tenant> list(SearchText search, PageLimit limit, TimeCursor cursor) {
        return Page.of(
                sql.sql(SELECT + """
                        (created_at, id) < (:at, :before) and position(:search in name) > 0
                        order by created_at desc, id desc limit :count
                        """)
                        .param("at", cursor.at().atOffset(ZoneOffset.UTC))
                        .param("before", cursor.id())
                        .param("search", search.value())
                        .param("count", limit.probe())
                        .query((row, number) -> tenant(row))
                        .list(),
                limit.value(),
                tenant -> new TimeCursor(tenant.createdAt(), tenant.id().value()).toString());
    }

    /**
     * @param maxBytes that it may store; null for the service's default
     * @throws ProblemException {@code tenant-not-found}
     */
    public Tenant limit(TenantId id, @Nullable Long maxBytes) {
        sql.sql("update tenant set max_bytes = :maxBytes where id = :id")
                .param("maxBytes", maxBytes, Types.BIGINT)
                .param("id", id.value())
                .update();
        return require(id);
    }

    /** @throws ProblemException {@code tenant-not-found} */
    @Transactional(readOnly = true)
    public Tenant require(TenantId id) {
        return find(id).orElseThrow(
                        () -> new ProblemException(ProblemCode.TENANT_NOT_FOUND, "tenant " + id + " does not exist"));
    }

    /** Bytes of what it uploaded or made, contents that it has several times once. */
    @Transactional(readOnly = true)
    public long usedBytes(TenantId id) {
        return sql.sql("""
                        select coalesce(sum(b.size), 0) from blob_owner o join blob b using (sha256) where o.tenant = :id
                        """).param("id", id.value()).query(Long.class).single();
    }

    private static Tenant tenant(ResultSet row) throws SQLException {
        return new Tenant(
                new TenantId(row.getObject("id", UUID.class)),
                row.getString("name"),
                row.getTimestamp("created_at").toInstant(),
                row.getObject("max_bytes", Long.class));
    }
}
