package io.octavo.jobs.repository;

import io.octavo.jobs.page.PageLimit;
import io.octavo.wire.RevisionSummary;
import java.util.List;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** What led to a revision. */
@Repository
class RevisionHistory {

    private final JdbcClient sql;

    RevisionHistory(JdbcClient sql) {
        this.sql = sql;
    }

    /**
     * Newest first: each one's parent, or, where that was collected, the one before it.
     *
     * @param cursor the last one already seen; otherwise {@code newest} comes first
     */
    List<RevisionSummary> page(UUID repository, String newest, String cursor, PageLimit limit) {
        return sql.sql("""
                        with recursive line (sequence) as (
                            select sequence from revision where repository_id = :repository and id = :newest
                            union all
                            select coalesce(
                                (select p.sequence from revision p where p.repository_id = :repository and p.id = v.parent),
                                (select max(e.sequence) from revision e
                                    where e.repository_id = :repository and e.branch = v.branch
                                        and e.sequence < v.sequence))
                            from line join revision v on v.sequence = line.sequence)
                        select v.id, v.created_at, v.message from line join revision v on v.sequence = line.sequence
                        where v.deleted_at is null and v.sequence < coalesce(
                            (select sequence from revision where repository_id = :repository and id = :cursor),
                            9223372036854775807)
                        order by v.sequence desc limit :count
                        """)
                .param("repository", repository)
                .param("newest", newest)
                .param("cursor", cursor)
                .param("count", limit.probe())
                .query((row, number) -> new RevisionSummary(
                        row.getString("id"),
                        row.getTimestamp("created_at").toInstant(),
                        row.getString("message"),
                        null))
                .list();
    }
}
