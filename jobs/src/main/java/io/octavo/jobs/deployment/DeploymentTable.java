package io.octavo.jobs.deployment;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.spec.ServeSpec;
import io.octavo.wire.DeploymentHealth;
import io.octavo.wire.DeploymentState;
import io.octavo.wire.DeploymentView;
import io.octavo.wire.JobView;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;
import tools.jackson.databind.json.JsonMapper;

/** Rows of {@code deployment} beside those of their jobs, of which together their state follows. */
@Repository
class DeploymentTable {

    /** A deleted one is shown until it is over. An attempt whose lease has run out is on its way to another worker. */
    private static final String SELECT = """
            select * from (
                select d.job_id, d.tenant, d.name, d.source, d.repository, d.created_at, d.deleted_at, j.attempt,
                    j.spec, j.worker, j.problem_code, j.problem_detail, d.url, d.secret, d.max_model_length, d.ready_at,
                    d.expires_at, d.used_at, d.health,
                    case
                        when j.status = 'FAILED' then 'FAILED'
                        when j.status in ('SUCCEEDED', 'CANCELLED') then 'STOPPED'
                        when j.cancel_requested then 'STOPPING'
                        when j.status = 'QUEUED' then 'QUEUED'
                        when d.attempt = j.attempt and j.lease_expires_at > now() then 'READY'
                        else 'LOADING'
                    end as state
                from deployment d join job j on j.id = d.job_id
                where d.tenant = :tenant and j.deleted_at is null) d
            """;

    private static final String SHOWN = "(deleted_at is null or state not in ('STOPPED', 'FAILED'))";

    private final JdbcClient sql;
    private final JsonMapper json;

    DeploymentTable(JdbcClient sql, JsonMapper json) {
        this.sql = sql;
        this.json = json;
    }

    /** @param sealedSecret of the attempt that is ready */
    record Row(
            DeploymentView view,
            @Nullable String url,
            @Nullable String sealedSecret) {

        /** @param opening of the secret */
        @Nullable ServedEndpoint endpoint(UnaryOperator<String> opening) {
            Integer length = view.maxModelLength();
            return view.state() != DeploymentState.READY || url == null || sealedSecret == null || length == null
                    ? null
                    : new ServedEndpoint(url, opening.apply(sealedSecret), length);
        }
    }

    /** Of two that want one name at once, the second waits for the first. */
    void lockName(TenantId tenant, String name) {
        sql.sql("select pg_advisory_xact_lock(hashtext('octavo.deployment ' || :tenant || ' ' || :name))")
                .param("tenant", tenant.toString())
                .param("name", name)
                .query()
                .singleRow();
    }

    void insert(TenantId tenant, UUID id, ServeSpec spec) {
        sql.sql("""
                        insert into deployment (job_id, tenant, name, source, repository, ttl_seconds)
                        values (:id, :tenant, :name, :source, :repository, :ttl)
                        """)
                .param("id", id)
                .param("tenant", tenant.value())
                .param("name", spec.servedName())
                .param("source", spec.source().toString())
                .param("repository", spec.repository().orElse(null), Types.VARCHAR)
                .param("ttl", spec.ttl().map(DeploymentTable::seconds).orElse(null), Types.DOUBLE)
                .update();
    }

    void delete(TenantId tenant, UUID id) {
        sql.sql(
                        "update deployment set deleted_at = coalesce(deleted_at, now()) where tenant = :tenant and job_id = :id")
                .param("tenant", tenant.value())
                .param("id", id)
                .update();
    }

    Optional<Row> find(TenantId tenant, UUID id) {
        return sql.sql(SELECT + " where job_id = :id and " + SHOWN)
                .param("tenant", tenant.value())
                .param("id", id)
                .query(this::row)
                .optional();
    }

    Optional<Row> findByName(TenantId tenant, String name) {
        return sql.sql(SELECT + " where name = :name and deleted_at is null")
                .param("tenant", tenant.value())
                .param("name", name)
                .query(this::row)
                .optional();
    }

    Optional<Row> findByRepository(TenantId tenant, String repository) {
        return sql.sql(SELECT + """
                         where repository = :repository and deleted_at is null and state not in ('STOPPED', 'FAILED')
                        order by state = 'READY' desc, created_at desc limit 1
                        """)
                .param("tenant", tenant.value())
                .param("repository", repository)
                .query(this::row)
                .optional();
    }

    List<DeploymentView> ready(TenantId tenant) {
        return sql.sql(SELECT + " where state = 'READY' and deleted_at is null order by name limit 1000")
                .param("tenant", tenant.value())
                .query((row, number) -> view(row))
                .list();
    }

    /** @param name the empty one for all */
    List<DeploymentView> page(TenantId tenant, String name, TimeCursor before, int count) {
        return sql.sql(SELECT + " where (:name = '' or name = :name) and " + SHOWN + """
                         and (created_at, job_id) < (:at, :before)
                        order by created_at desc, job_id desc limit :count
                        """)
                .param("tenant", tenant.value())
                .param("name", name)
                .param("at", before.at().atOffset(ZoneOffset.UTC))
                .param("before", before.id())
                .param("count", count)
                .query((row, number) -> view(row))
                .list();
    }

    Optional<Duration> timeLeft(Lease lease) {
        return sql.sql("select cast(extract(epoch from expires_at - now()) * 1000 as bigint) from deployment"
                        + " where job_id = :id and expires_at is not null")
                .param("id", lease.jobId())
                .query(Long.class)
                .optional()
                .map(Duration::ofMillis);
    }

    /** Of a lease that this transaction holds. */
    void ready(Lease lease, ServedEndpoint endpoint, String sealedSecret) {
        sql.sql("""
                        update deployment set attempt = :attempt, url = :url, secret = :secret, max_model_length = :length,
                            ready_at = now(), health = null, health_at = null,
                            expires_at = coalesce(expires_at, now() + make_interval(secs => ttl_seconds))
                        where job_id = :id
                        """)
                .param("id", lease.jobId())
                .param("attempt", lease.attempt())
                .param("url", endpoint.url())
                .param("secret", sealedSecret)
                .param("length", endpoint.maxModelLength())
                .update();
    }

    /** @return false if the lease is lost */
    boolean report(Lease lease, String health, Duration unused) {
        return sql.sql("""
                        update deployment d set health = cast(:health as jsonb), health_at = now(),
                            used_at = greatest(used_at, now() - make_interval(secs => :unused))
                        from job j
                        where j.id = d.job_id and d.job_id = :id and d.attempt = :attempt and j.attempt = :attempt
                            and j.status = 'RUNNING'
                        """)
                        .param("id", lease.jobId())
                        .param("attempt", lease.attempt())
                        .param("health", health)
                        .param("unused", seconds(unused))
                        .update()
                == 1;
    }

    private Row row(ResultSet row, int number) throws SQLException {
        return new Row(view(row), row.getString("url"), row.getString("secret"));
    }

    private DeploymentView view(ResultSet row) throws SQLException {
        DeploymentState state = DeploymentState.valueOf(row.getString("state"));
        boolean ready = state == DeploymentState.READY;
        String health = row.getString("health");
        String problem = row.getString("problem_code");
        return new DeploymentView(
                row.getObject("job_id", UUID.class),
                row.getString("name"),
                state,
                row.getString("source"),
                row.getString("repository"),
                row.getInt("attempt"),
                json.readTree(row.getString("spec")),
                row.getObject("max_model_length", Integer.class),
                row.getTimestamp("created_at").toInstant(),
                ready ? instant(row.getTimestamp("ready_at")) : null,
                instant(row.getTimestamp("expires_at")),
                instant(row.getTimestamp("used_at")),
                ready && health != null ? json.readValue(health, DeploymentHealth.class) : null,
                row.getString("worker"),
                problem == null
                        ? null
                        : new JobView.JobProblem(problem, String.valueOf(row.getString("problem_detail"))),
                null);
    }

    static DeploymentView waiting(DeploymentView view, JobView.@Nullable Waiting waiting) {
        return new DeploymentView(
                view.id(),
                view.name(),
                view.state(),
                view.source(),
                view.repository(),
                view.attempt(),
                view.spec(),
                view.maxModelLength(),
                view.createdAt(),
                view.readyAt(),
                view.expiresAt(),
                view.usedAt(),
                view.health(),
                view.worker(),
                view.problem(),
                waiting);
    }

    private static @Nullable Instant instant(@Nullable Timestamp time) {
        return time == null ? null : time.toInstant();
    }

    private static double seconds(Duration duration) {
        return duration.toMillis() / 1000.0;
    }
}
