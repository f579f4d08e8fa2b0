package io.octavo.jobs.blob;

import io.octavo.jobs.identity.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Rows of {@code blob}, each for bytes that are stored whole, and of {@code blob_owner}, who has shown to have them. */
@Repository
class BlobTable {

    private static final String UNNAMED = """
            not exists (select 1 from revision_file f where f.sha256 = b.sha256)
            and not exists (select 1 from artifact_file f where f.sha256 = b.sha256)
            and not exists (select 1 from artifact a where a.report_sha256 = b.sha256)
            and not exists (select 1 from job_journal j where j.sha256 = b.sha256)
            """;

    private final JdbcClient sql;

    BlobTable(JdbcClient sql) {
        this.sql = sql;
    }

    Optional<BlobId> find(String sha256) {
        return sql.sql("select sha256, size from blob where sha256 = :sha256")
                .param("sha256", sha256)
                .query(BlobTable::id)
                .optional();
    }

    /** Those that the tenant uploaded, or that one of its revisions names. */
    List<BlobId> findOwned(TenantId tenant, Collection<String> sha256s) {
        return sql.sql("""
                        select sha256, size from blob b where b.sha256 in (:sha256s) and (
                            exists (select 1 from blob_owner o where o.tenant = :tenant and o.sha256 = b.sha256)
                            or exists (
                                select 1 from revision_file f
                                join revision v on v.sequence = f.revision_sequence
                                join repository r on r.id = v.repository_id
                                where f.sha256 = b.sha256 and r.tenant = :tenant and v.deleted_at is null))
                        """)
                .param("tenant", tenant.value())
                .param("sha256s", sha256s)
                .query(BlobTable::id)
                .list();
    }

    /** The blob is there. */
    void store(BlobId id) {
        sql.sql("""
                        insert into blob (sha256, size) values (:sha256, :size)
                        on conflict (sha256) do update set touched_at = now()
                        """).param("sha256", id.sha256()).param("size", id.size()).update();
    }

    /** The tenant has the bytes of a blob that was just stored: locks are taken in the order in which {@link #delete} does. */
    void own(TenantId tenant, BlobId id) {
        sql.sql("""
                        insert into blob_owner (tenant, sha256) values (:tenant, :sha256)
                        on conflict (tenant, sha256) do update set created_at = now()
                        """)
                .param("tenant", tenant.value())
                .param("sha256", id.sha256())
                .update();
    }

    /**
     * Keeps blobs from being collected for a while. Rows that were touched not long ago are left as they are, so that
     * those who commit the same file seldom wait for each other; locked in order, so that they never do in a circle.
     */
    void touch(Collection<String> sha256s, Duration grace) {
        sql.sql("""
                        with old as (
                            select sha256 from blob
                            where sha256 in (:sha256s) and touched_at < now() - make_interval(secs => :seconds)
                            order by sha256 for no key update)
                        update blob set touched_at = now() from old where blob.sha256 = old.sha256
                        """)
                .param("sha256s", sha256s)
                .param("seconds", grace.toMillis() / 4000.0)
                .update();
    }

    /** How many bytes the tenant may still store; empty where nothing limits it. */
    OptionalLong free(TenantId tenant, OptionalLong limit) {
        return sql.sql("""
                        select coalesce(t.max_bytes, :limit) - coalesce((
                            select sum(b.size) from blob_owner o join blob b using (sha256)
                            where o.tenant = t.id), 0)
                        from tenant t where t.id = :tenant and coalesce(t.max_bytes, :limit) is not null
                        """)
                .param("tenant", tenant.value())
                .param("limit", limit.isPresent() ? limit.getAsLong() : null, Types.BIGINT)
                .query(Long.class)
                .optional()
                .map(OptionalLong::of)
                .orElseGet(OptionalLong::empty);
    }

    /** What git calls those of which somebody has asked before, by SHA-256. */
    Map<String, String> gitIds(Collection<String> sha256s) {
        Map<String, String> known = new HashMap<>();
        sql.sql("select sha256, git_id from blob where sha256 in (:sha256s) and git_id is not null")
                .param("sha256s", sha256s)
                .query(row -> {
                    known.put(row.getString("sha256"), row.getString("git_id"));
                });
        return known;
    }

    void setGitId(String sha256, String gitId) {
        sql.sql("update blob set git_id = :gitId where sha256 = :sha256")
                .param("gitId", gitId)
                .param("sha256", sha256)
                .update();
    }

    /** Blobs that nothing names and nobody touched for so long. */
    List<BlobId> unnamed(Duration grace, int count) {
        return sql.sql("select sha256, size from blob b where touched_at < now() - make_interval(secs => :seconds) and "
                        + UNNAMED + " limit :count")
                .param("seconds", seconds(grace))
                .param("count", count)
                .query(BlobTable::id)
                .list();
    }

    /** Locks the row if that is still so; who stores or names the blob meanwhile waits for the end of the transaction. */
    boolean lockUnnamed(BlobId id, Duration grace) {
        boolean old = sql.sql("""
                        select 1 from blob
                        where sha256 = :sha256 and touched_at < now() - make_interval(secs => :seconds)
                        for update skip locked
                        """)
                .param("sha256", id.sha256())
                .param("seconds", seconds(grace))
                .query(Integer.class)
                .optional()
                .isPresent();
        // Asked again behind the lock: what was named before it shows only to a statement that begins after it.
        return old
                && sql.sql("select 1 from blob b where sha256 = :sha256 and " + UNNAMED)
                        .param("sha256", id.sha256())
                        .query(Integer.class)
                        .optional()
                        .isPresent();
    }

    /** Those that no row is for. */
    List<BlobId> unknown(List<BlobId> ids) {
        Set<BlobId> known = Set.copyOf(sql.sql("select sha256, size from blob where sha256 in (:sha256s)")
                .param("sha256s", ids.stream().map(BlobId::sha256).toList())
                .query(BlobTable::id)
                .list());
        return ids.stream().filter(id -> !known.contains(id)).toList();
    }

    /** Claims bytes that no row is for; false where there is one by now. Who stores them meanwhile waits. */
    boolean claimUnknown(BlobId id) {
        return sql.sql("insert into blob (sha256, size) values (:sha256, :size) on conflict (sha256) do nothing")
                        .param("sha256", id.sha256())
                        .param("size", id.size())
                        .update()
                == 1;
    }

    void delete(BlobId id) {
        sql.sql("delete from blob_owner where sha256 = :sha256")
                .param("sha256", id.sha256())
                .update();
        sql.sql("delete from blob where sha256 = :sha256")
                .param("sha256", id.sha256())
                .update();
    }

    /** Whoever neither names a blob nor sent it lately has it no more, though others may. */
    int forgetOwners(Duration grace) {
        return sql.sql("""
                        with gone as (
                            select o.tenant, o.sha256 from blob_owner o join blob b on b.sha256 = o.sha256
                            where o.created_at < now() - make_interval(secs => :seconds)
                            and b.touched_at < now() - make_interval(secs => :seconds)
                            and not exists (
                                select 1 from revision_file f
                                join revision v on v.sequence = f.revision_sequence
                                join repository r on r.id = v.repository_id
                                where f.sha256 = o.sha256 and r.tenant = o.tenant)
                            and not exists (
                                select 1 from artifact_file f join artifact a on a.id = f.artifact_id
                                where f.sha256 = o.sha256 and a.tenant = o.tenant)
                            and not exists (
                                select 1 from artifact a where a.report_sha256 = o.sha256 and a.tenant = o.tenant)
                            for update of o skip locked)
                        delete from blob_owner o using gone where o.tenant = gone.tenant and o.sha256 = gone.sha256
                        """).param("seconds", seconds(grace)).update();
    }

    private static double seconds(Duration grace) {
        return grace.toMillis() / 1000.0;
    }

    private static BlobId id(ResultSet row, int number) throws SQLException {
        return new BlobId(row.getString("sha256"), row.getLong("size"));
    }
}
