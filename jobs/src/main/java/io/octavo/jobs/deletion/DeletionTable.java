package io.octavo.jobs.deletion;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.identity.TenantId;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Statements over all that is deleted, for whomever it was. Each may be repeated. */
@Repository
class DeletionTable {

    /** So that no statement takes longer than the connection waits for its answer. */
    private static final int AT_ONCE = 500;

    private final JdbcClient sql;

    DeletionTable(JdbcClient sql) {
        this.sql = sql;
    }

    /** @param state what its row must be like, and whether it is locked */
    Optional<UUID> repository(TenantId tenant, RepositoryName name, String state) {
        return sql.sql("select id from repository where tenant = :tenant and namespace = :namespace and name = :name"
                        + " and " + state)
                .param("tenant", tenant.value())
                .param("namespace", name.namespace())
                .param("name", name.name())
                .query(UUID.class)
                .optional();
    }

    void artifactsOfDeletedRevisions() {
        sql.sql("""
                update artifact a set deleted_at = v.deleted_at
                from revision v join repository r on r.id = v.repository_id
                where a.namespace = r.namespace and a.name = r.name and a.revision = v.id
                    and v.deleted_at is not null and a.deleted_at is null
                """).update();
    }

    /** Also what their workers finished after the tenant was gone. */
    void allOfDeletedTenants() {
        for (String statement : new String[] {"""
            update job j set deleted_at = now() from tenant t
            where t.id = j.tenant and t.deleted_at is not null and j.deleted_at is null and j.finished_at is not null
            """, """
            update revision v set deleted_at = now() from repository r, tenant t
            where r.id = v.repository_id and t.id = r.tenant and t.deleted_at is not null and v.deleted_at is null
            """, """
            update repository r set deleted_at = now(), head = null from tenant t
            where t.id = r.tenant and t.deleted_at is not null and r.deleted_at is null
            """}) {
            sql.sql(statement).update();
        }
        artifactsOfDeletedRevisions();
    }

    /** What is older than its repository keeps it, but for the newest and what a branch or a tag names. */
    void agedRevisions() {
        sql.sql("""
                update revision v set deleted_at = now() from repository r
                where r.id = v.repository_id and r.deleted_at is null and v.deleted_at is null and v.id <> r.head
                    and v.created_at < now() - make_interval(days => r.retention_days)
                    and not exists (select 1 from ref f where f.repository_id = r.id and f.revision = v.id)
                """).update();
        artifactsOfDeletedRevisions();
    }

    void agedJobs(Duration age) {
        sql.sql("""
                        with aged as (
                            select id from job
                            where parent is null and deleted_at is null
                                and finished_at < now() - make_interval(secs => :seconds))
                        update job j set deleted_at = now() from aged
                        where (j.id = aged.id or j.parent = aged.id) and j.deleted_at is null
                        """).param("seconds", seconds(age)).update();
    }

    /**
     * Removes rows that were deleted so long ago and that nothing names any more. Those of repositories that are locked,
     * since something of theirs may be coming back, are left to the next pass.
     *
     * @return how many
     */
    int purge(Duration grace) {
        int count = 0;
        for (String statement : new String[] {
            // Of jobs that were ended by a release that knows no journals.
            """
            delete from job_journal e
            where not exists (select 1 from job j where j.id = e.job_id and j.finished_at is null)
                and cast(:seconds as double precision) >= 0 and :count > 0
            """,
            """
            with gone as (
                select a.id from artifact a join repository r on r.namespace = a.namespace and r.name = a.name
                where a.deleted_at < now() - make_interval(secs => :seconds)
                limit :count for update of a skip locked for no key update of r skip locked),
            files as (delete from artifact_file where artifact_id in (select id from gone))
            delete from artifact where id in (select id from gone)
            """,
            """
            with gone as (
                select v.sequence from revision v join repository r on r.id = v.repository_id
                where v.deleted_at < now() - make_interval(secs => :seconds)
                limit :count for update of v skip locked for no key update of r skip locked),
            files as (delete from revision_file where revision_sequence in (select sequence from gone))
            delete from revision where sequence in (select sequence from gone)
            """,
            """
            with gone as (
                select id from repository r where deleted_at < now() - make_interval(secs => :seconds)
                    and not exists (select 1 from revision v where v.repository_id = r.id)
                    and not exists (select 1 from artifact a where a.namespace = r.namespace and a.name = r.name)
                limit :count for update skip locked)
            delete from repository where id in (select id from gone)
            """,
            // A job whose artifact is still there tells of it.
            """
            with gone as (
                select id from job j where deleted_at < now() - make_interval(secs => :seconds)
                    and not exists (select 1 from artifact a where a.job_id = j.id)
                    and not exists (select 1 from job step where step.parent = j.id)
                limit :count for update skip locked),
            events as (delete from job_event where job_id in (select id from gone)),
            scores as (delete from evaluation where job_id in (select id from gone)),
            answers as (delete from idempotency where job_id in (select id from gone)),
            deployments as (delete from deployment where job_id in (select id from gone))
            delete from job where id in (select id from gone)
            """,
            """
            with gone as (select id from tenant where deleted_at < now() - make_interval(secs => :seconds)),
            shares as (delete from tenant_share where tenant in (select id from gone)),
            messages as (delete from webhook_delivery where tenant in (select id from gone)),
            hooks as (delete from webhook where tenant in (select id from gone)),
            namespaces as (
                delete from namespace n where tenant in (select id from gone)
                    and not exists (select 1 from repository r where r.namespace = n.name))
            delete from api_key where tenant in (select id from gone) and :count > 0
            """
        }) {
            count += sql.sql(statement)
                    .param("seconds", seconds(grace))
                    .param("count", AT_ONCE)
                    .update();
        }
        return count;
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
