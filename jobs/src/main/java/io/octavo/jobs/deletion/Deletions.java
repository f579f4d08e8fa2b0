package io.octavo.jobs.deletion;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.repository.RepositoryListing;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Hides what is deleted. An artifact and the revision that it was written as go together, whichever is named. Whoever
 * works with the bytes at the moment still gets them, since they are collected later.
 */
@Service
@Transactional
public class Deletions {

    private static final String LIVE = " and deleted_at is null";

    private final JdbcClient sql;
    private final DeletionTable table;
    private final JobService jobs;

    Deletions(JdbcClient sql, DeletionTable table, JobService jobs) {
        this.sql = sql;
        this.table = table;
        this.jobs = jobs;
    }

    /** @throws ProblemException {@code repository-not-found} */
    public void repository(TenantId tenant, RepositoryName name) {
        UUID id = lock(tenant, name);
        sql.sql("update repository set deleted_at = now(), head = null where id = :id")
                .param("id", id)
                .update();
        sql.sql("update revision set deleted_at = now(), deleted_with_repository = true where repository_id = :id"
                        + LIVE)
                .param("id", id)
                .update();
        table.artifactsOfDeletedRevisions();
    }

    /**
     * Where it was the newest one of {@code main} or another branch, that moves back to the one before.
     *
     * @throws ProblemException {@code repository-not-found} or {@code revision-not-found}
     */
    public void revision(TenantId tenant, RepositoryName name, String revision) {
        if (!revision(lock(tenant, name), revision)) {
            throw new ProblemException(ProblemCode.REVISION_NOT_FOUND, "repository " + name + " has no such revision");
        }
        table.artifactsOfDeletedRevisions();
    }

    private boolean revision(UUID repository, String revision) {
        int deleted = sql.sql(
                        "update revision set deleted_at = now() where repository_id = :id and id = :revision" + LIVE)
                .param("id", repository)
                .param("revision", revision)
                .update();
        sql.sql("""
                        update repository set head = (
                            select v.id from revision v
                            where v.repository_id = repository.id and v.branch = 'main' and v.deleted_at is null
                            order by v.sequence desc limit 1)
                        where id = :id and head = :revision
                        """).param("id", repository).param("revision", revision).update();
        sql.sql("""
                        update ref f set revision = v.id from revision v
                        where f.repository_id = :id and f.type = 'branch' and f.revision = :revision
                            and v.sequence = (
                                select max(n.sequence) from revision n
                                where n.repository_id = :id and n.branch = f.name and n.deleted_at is null)
                        """).param("id", repository).param("revision", revision).update();
        return deleted == 1;
    }

    /** @throws ProblemException {@code artifact-not-found} */
    public void artifact(TenantId tenant, UUID id) {
        record Place(String namespace, String name, String revision) {}
        Place place = sql.sql(
                        "select namespace, name, revision from artifact where tenant = :tenant and id = :id" + LIVE)
                .param("tenant", tenant.value())
                .param("id", id)
                .query((row, number) -> new Place(row.getString(1), row.getString(2), row.getString(3)))
                .optional()
                .orElseThrow(() ->
                        new ProblemException(ProblemCode.ARTIFACT_NOT_FOUND, "artifact " + id + " does not exist"));
        revision(lock(tenant, new RepositoryName(place.namespace(), place.name())), place.revision());
        sql.sql("update artifact set deleted_at = now() where id = :id" + LIVE)
                .param("id", id)
                .update();
        table.artifactsOfDeletedRevisions();
    }

    /**
     * A pipeline goes with its steps.
     *
     * @throws ProblemException {@code job-not-found}, or {@code job-not-deletable} where it has not ended or is a step
     */
    public void job(TenantId tenant, UUID id) {
        record Found(boolean ended, @Nullable UUID parent) {}
        Found job = sql.sql("select finished_at is not null, parent from job where tenant = :tenant and id = :id" + LIVE
                        + " for update")
                .param("tenant", tenant.value())
                .param("id", id)
                .query((row, number) -> new Found(row.getBoolean(1), row.getObject(2, UUID.class)))
                .optional()
                .orElseThrow(() -> new ProblemException(ProblemCode.JOB_NOT_FOUND, "job " + id + " does not exist"));
        if (job.parent() != null) {
            throw new ProblemException(
                    ProblemCode.JOB_NOT_DELETABLE,
                    "job " + id + " is a step of pipeline " + job.parent() + ", which is deleted as a whole");
        }
        if (!job.ended()) {
            throw new ProblemException(ProblemCode.JOB_NOT_DELETABLE, "job " + id + " has not ended; cancel it first");
        }
        sql.sql("update job set deleted_at = now() where id = :id or parent = :id")
                .param("id", id)
                .update();
    }

    /**
     * Its keys and webhooks end now, its jobs are cancelled, and all that it has goes with it but the audit log. Its name is
     * free again.
     *
     * @throws ProblemException {@code tenant-not-found}, or {@code tenant-not-deletable} for the built-in one
     */
    public void tenant(TenantId tenant) {
        if (tenant.equals(TenantId.BUILT_IN)) {
            throw new ProblemException(ProblemCode.TENANT_NOT_DELETABLE, "the built-in tenant is the operator's own");
        }
        int deleted = sql.sql("update tenant set deleted_at = now(), name = 'deleted-' || id where id = :tenant" + LIVE)
                .param("tenant", tenant.value())
                .update();
        if (deleted == 0) {
            throw new ProblemException(ProblemCode.TENANT_NOT_FOUND, "tenant " + tenant + " does not exist");
        }
        for (String statement : List.of(
                "update api_key set revoked_at = coalesce(revoked_at, now()) where tenant = :tenant",
                "update webhook set enabled = false where tenant = :tenant")) {
            sql.sql(statement).param("tenant", tenant.value()).update();
        }
        sql.sql("select id from job where tenant = :tenant and parent is null and finished_at is null order by id")
                .param("tenant", tenant.value())
                .query(UUID.class)
                .list()
                .forEach(job -> jobs.cancel(tenant, job));
        table.allOfDeletedTenants();
    }

    private UUID lock(TenantId tenant, RepositoryName name) {
        return table.repository(tenant, name, "deleted_at is null for update")
                .orElseThrow(() -> RepositoryListing.missing(name));
    }
}
