package io.octavo.jobs.deletion;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.CollectorProperties;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.repository.RepositoryListing;
import io.octavo.wire.Deletion;
import io.octavo.wire.Page;
import io.octavo.wire.RepositorySummary;
import io.octavo.wire.RevisionSummary;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/** Finds what a tenant has deleted and can still restore. */
@Service
@Transactional(readOnly = true)
public class DeletedListing {

    /**
     * When repository {@code r} was last deleted as a whole, which {@link Restorations#repository} undoes; null where that
     * cannot be restored any more. One that was pushed to again may have been deleted all the same.
     */
    static final String LATEST = """
             cross join lateral (
                select max(d.at) as at from (
                    select r.deleted_at as at
                    union all
                    select v.deleted_at from revision v where v.repository_id = r.id and v.deleted_with_repository) d
                where d.at > clock_timestamp() - make_interval(secs => :seconds)) latest
            """;

    private final JdbcClient sql;
    private final DeletionTable table;
    private final Duration grace;

    DeletedListing(JdbcClient sql, DeletionTable table, CollectorProperties collector) {
        this.sql = sql;
        this.table = table;
        this.grace = collector.grace();
    }

    /**
     * By name; of one that was deleted several times, the last time.
     *
     * @param cursor name of the last one already seen
     */
    public Page<RepositorySummary> repositories(
            TenantId tenant, SearchText search, PageLimit limit, @Nullable String cursor) {
        RepositoryListing.Position after = RepositoryListing.Position.after(cursor);
        return Page.of(
                sql.sql("""
                        select r.namespace, r.name, r.created_at, r.retention_days, latest.at, newest.id as head, coalesce((
                            select sum(f.size) from revision_file f where f.revision_sequence = newest.sequence), 0) as bytes
                        from repository r""" + LATEST + """
                        left join lateral (
                            select v.id, v.sequence from revision v
                            where v.repository_id = r.id and v.deleted_at = latest.at
                            order by v.sequence desc limit 1) newest on true
                        where r.tenant = :tenant and latest.at is not null
                            and (r.namespace, r.name) > (:namespace, :name)
                            and position(:search in lower(r.namespace || '/' || r.name)) > 0
                        order by r.namespace, r.name limit :count
                        """)
                        .param("seconds", grace.toMillis() / 1000.0)
                        .param("tenant", tenant.value())
                        .param("namespace", after.namespace())
                        .param("name", after.name())
                        .param("search", search.value())
                        .param("count", limit.probe())
                        .query((row, number) -> RepositoryListing.summary(row, deletion(row, "at")))
                        .list(),
                limit.value(),
                RepositorySummary::name);
    }

    /**
     * Those of one repository, itself deleted or not, the newest first.
     *
     * @param cursor id of the last revision already seen
     * @throws ProblemException {@code repository-not-found}
     */
    public Page<RevisionSummary> revisions(
            TenantId tenant, RepositoryName name, SearchText search, PageLimit limit, @Nullable String cursor) {
        UUID repository = table.repository(tenant, name, "true").orElseThrow(() -> RepositoryListing.missing(name));
        return Page.of(
                sql.sql("""
                        select id, created_at, message, deleted_at from revision
                        where repository_id = :repository and sequence < :before
                            and deleted_at > clock_timestamp() - make_interval(secs => :seconds)
                            and position(:search in lower(message)) > 0
                        order by sequence desc limit :count
                        """)
                        .param("repository", repository)
                        .param("before", cursor == null ? Long.MAX_VALUE : sequence(repository, cursor))
                        .param("seconds", grace.toMillis() / 1000.0)
                        .param("search", search.value())
                        .param("count", limit.probe())
                        .query((row, number) -> new RevisionSummary(
                                row.getString("id"),
                                row.getTimestamp("created_at").toInstant(),
                                row.getString("message"),
                                deletion(row, "deleted_at")))
                        .list(),
                limit.value(),
                RevisionSummary::id);
    }

    private long sequence(UUID repository, String cursor) {
        return sql.sql("select sequence from revision where repository_id = :repository and id = :cursor")
                .param("repository", repository)
                .param("cursor", cursor)
                .query(Long.class)
                .optional()
                .orElseThrow(() -> RepositoryListing.Position.unknown(null));
    }

    private Deletion deletion(ResultSet row, String column) throws SQLException {
        Instant at = row.getTimestamp(column).toInstant();
        return new Deletion(at, at.plus(grace));
    }
}
