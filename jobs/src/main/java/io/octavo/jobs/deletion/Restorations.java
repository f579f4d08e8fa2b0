package io.octavo.jobs.deletion;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.blob.CollectorProperties;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Shows again what was deleted, as long as it is not due to be collected. An artifact and the revision that it was written
 * as come back together, whichever is named.
 *
 * <p>The repository is locked first, and the time looked at behind that lock, which whoever collects its rows takes too: a
 * call that waited for it past the grace is refused rather than given what is left.
 */
@Service
@Transactional
public class Restorations {

    private final JdbcClient sql;
    private final DeletionTable table;
    private final double graceSeconds;

    Restorations(JdbcClient sql, DeletionTable table, CollectorProperties collector) {
        this.sql = sql;
        this.table = table;
        this.graceSeconds = collector.grace().toMillis() / 1000.0;
    }

    /**
     * With the revisions and artifacts that were deleted with it; what was deleted before stays so, until it is asked for
     * again. Where the repository was pushed to since, they come back below what was pushed: {@code main} is the newest.
     *
     * @throws ProblemException {@code repository-not-found} if no such repository was deleted, or it is too late
     */
    public void repository(TenantId tenant, RepositoryName name) {
        UUID id = lock(tenant, name, "true");
        OffsetDateTime deletedAt = sql.sql("select latest.at from repository r" + DeletedListing.LATEST
                        + "where r.id = :id and latest.at is not null")
                .param("id", id)
                .param("seconds", graceSeconds)
                .query(OffsetDateTime.class)
                .optional()
                .orElseThrow(() -> notThere(name));
        for (String statement : List.of("""
            update artifact a set deleted_at = null from revision v, repository r
            where r.id = :id and v.repository_id = r.id and (v.deleted_at is null or v.deleted_at = :at)
                and a.namespace = r.namespace and a.name = r.name and a.revision = v.id and a.deleted_at = :at
            """, """
            update revision set deleted_at = null, deleted_with_repository = false
            where repository_id = :id and deleted_at = :at
            """, """
            update repository r set deleted_at = null, head = (
                select v.id from revision v
                where v.repository_id = r.id and v.branch = 'main' and v.deleted_at is null
                order by v.sequence desc limit 1)
            where r.id = :id and cast(:at as timestamptz) is not null
            """)) {
            sql.sql(statement).param("id", id).param("at", deletedAt).update();
        }
    }

    /**
     * {@code main} moves to it if it is newer than what {@code main} is.
     *
     * @throws ProblemException {@code repository-not-found}, or {@code revision-not-found} if no such revision is deleted, or
     *     it is too late
     */
    public void revision(TenantId tenant, RepositoryName name, String revision) {
        UUID repository = lock(tenant, name, "deleted_at is null");
        if (!isInTime(
                "revision where repository_id = :id and id = :revision",
                Map.of("id", repository, "revision", revision))) {
            throw new ProblemException(
                    ProblemCode.REVISION_NOT_FOUND,
                    "repository " + name + " has no such revision that was deleted and is not collected yet");
        }
        revision(repository, revision);
    }

    private void revision(UUID repository, String revision) {
        for (String statement : List.of("""
            update artifact a set deleted_at = null from revision v, repository r
            where r.id = :repository and v.repository_id = r.id and v.id = :revision
                and a.namespace = r.namespace and a.name = r.name and a.revision = v.id and a.deleted_at = v.deleted_at
            """, """
            update repository r set head = :revision
            where r.id = :repository and exists (
                select 1 from revision v where v.repository_id = r.id and v.id = :revision
                    and v.branch = 'main' and v.sequence > coalesce((
                        select h.sequence from revision h where h.repository_id = r.id and h.id = r.head), 0))
            """, """
            update revision set deleted_at = null, deleted_with_repository = false
            where repository_id = :repository and id = :revision
            """)) {
            sql.sql(statement)
                    .param("repository", repository)
                    .param("revision", revision)
                    .update();
        }
    }

    /** @throws ProblemException {@code artifact-not-found} if no such artifact is deleted, or it is too late */
    public void artifact(TenantId tenant, UUID id) {
        record Place(UUID repository, String revision) {}
        Place place = sql.sql("""
                        select r.id, a.revision from artifact a
                        join repository r on r.namespace = a.namespace and r.name = a.name and r.deleted_at is null
                        where a.tenant = :tenant and a.id = :id and r.tenant = :tenant
                            and a.deleted_at is not null
                        for update of r
                        """)
                .param("tenant", tenant.value())
                .param("id", id)
                .query((row, number) -> new Place(row.getObject(1, UUID.class), row.getString(2)))
                .optional()
                .orElseThrow(() -> notThere(id));
        if (!isInTime("artifact where id = :id", Map.of("id", id))) {
            throw notThere(id);
        }
        revision(place.repository(), place.revision());
        // Its revision is there already where somebody committed the same files again.
        sql.sql("update artifact set deleted_at = null where id = :id")
                .param("id", id)
                .update();
    }

    /** Asked behind the repository's lock. */
    private boolean isInTime(String rows, Map<String, ?> parameters) {
        return sql.sql("select 1 from " + rows
                        + " and deleted_at > clock_timestamp() - make_interval(secs => :seconds)")
                .params(parameters)
                .param("seconds", graceSeconds)
                .query(Integer.class)
                .optional()
                .isPresent();
    }

    private UUID lock(TenantId tenant, RepositoryName name, String state) {
        return table.repository(tenant, name, state + " for update").orElseThrow(() -> notThere(name));
    }

    private static ProblemException notThere(RepositoryName name) {
        return new ProblemException(
                ProblemCode.REPOSITORY_NOT_FOUND,
                "repository " + name
                        + " is not there to be restored, or to restore something of; with deleted=true listings tell what is");
    }

    private static ProblemException notThere(UUID artifact) {
        return new ProblemException(
                ProblemCode.ARTIFACT_NOT_FOUND,
                "artifact " + artifact + " is not deleted, is due to be collected, or its repository is deleted too");
    }
}
