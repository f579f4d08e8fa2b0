package io.octavo.jobs.repository;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.wire.Deletion;
import io.octavo.wire.Page;
import io.octavo.wire.RepositorySummary;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Finds a tenant's repositories, and tells how long each keeps old revisions. */
@Service
@Transactional
public class RepositoryListing {

    private static final String SELECT = """
            select r.namespace, r.name, r.created_at, r.head, r.retention_days, coalesce((
                select sum(f.size) from revision v join revision_file f on f.revision_sequence = v.sequence
                where v.repository_id = r.id and v.id = r.head), 0) as bytes
            from repository r where r.tenant = :tenant and r.deleted_at is null
            """;

    private final JdbcClient sql;

    RepositoryListing(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * By name.
     *
     * @param namespace in which they are; null for all
     * @param cursor name of the last one already seen
     */
    @Transactional(readOnly = true)
    public Page<RepositorySummary> list(
            TenantId tenant, @Nullable String namespace, SearchText search, PageLimit limit, @Nullable String cursor) {
        Position after = Position.after(cursor);
        return Page.of(
                sql.sql(SELECT + """
                         and (r.namespace, r.name) > (:namespace, :name)
                         and r.namespace = coalesce(:in, r.namespace)
                         and position(:search in lower(r.namespace || '/' || r.name)) > 0
                        order by r.namespace, r.name limit :count
                        """)
                        .param("tenant", tenant.value())
                        .param("namespace", after.namespace())
                        .param("name", after.name())
                        .param("in", namespace, Types.VARCHAR)
                        .param("search", search.value())
                        .param("count", limit.probe())
                        .query((row, number) -> summary(row, null))
                        .list(),
                limit.value(),
                RepositorySummary::name);
    }

    /** Where a listing by name goes on. */
    public record Position(String namespace, String name) {

        /** @param cursor name of the last one already seen; null before the first */
        public static Position after(@Nullable String cursor) {
            if (cursor == null) {
                return new Position("", "");
            }
            try {
                RepositoryName last = RepositoryName.parse(cursor);
                return new Position(last.namespace(), last.name());
            } catch (IllegalArgumentException e) {
                throw unknown(e);
            }
        }

        public static ProblemException unknown(@Nullable Exception cause) {
            return new ProblemException(ProblemCode.INVALID_REQUEST, "cursor is not one that this service gave", cause);
        }
    }

    /** @throws ProblemException {@code repository-not-found} */
    @Transactional(readOnly = true, noRollbackFor = ProblemException.class)
    public RepositorySummary get(TenantId tenant, RepositoryName name) {
        return sql.sql(SELECT + " and r.namespace = :namespace and r.name = :name")
                .param("tenant", tenant.value())
                .param("namespace", name.namespace())
                .param("name", name.name())
                .query((row, number) -> summary(row, null))
                .optional()
                .orElseThrow(() -> missing(name));
    }

    /**
     * @param days after which revisions but the newest are deleted; null to keep them
     * @throws ProblemException {@code repository-not-found}
     */
    public RepositorySummary retain(TenantId tenant, RepositoryName name, @Nullable Integer days) {
        sql.sql("""
                        update repository set retention_days = :days
                        where tenant = :tenant and namespace = :namespace and name = :name and deleted_at is null
                        """)
                .param("days", days, Types.INTEGER)
                .param("tenant", tenant.value())
                .param("namespace", name.namespace())
                .param("name", name.name())
                .update();
        return get(tenant, name);
    }

    public static ProblemException missing(RepositoryName name) {
        return new ProblemException(ProblemCode.REPOSITORY_NOT_FOUND, "repository " + name + " does not exist");
    }

    public static RepositorySummary summary(ResultSet row, @Nullable Deletion deletion) throws SQLException {
        return new RepositorySummary(
                row.getString("namespace") + "/" + row.getString("name"),
                row.getTimestamp("created_at").toInstant(),
                row.getString("head"),
                row.getLong("bytes"),
                row.getObject("retention_days", Integer.class),
                deletion);
    }
}
