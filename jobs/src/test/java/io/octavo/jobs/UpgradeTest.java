package io.octavo.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.queue.JobService;
import io.octavo.jobs.queue.Lease;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.JobSpec;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** The first release's statements at work on a database that is migrated under them, beside this release's. */
class UpgradeTest {

    private static final Set<String> TYPES = Set.of("quantize");
    private static final String SPEC = """
            {"type": "quantize", "source": "hub:octavo/model", "scheme": "FP8_DYNAMIC", "target": "octavo/out",
             "layout": "compressed-tensors", "ignore": [], "device": "auto", "priority": 0}
            """;

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String PIPELINE = """
            {"type": "pipeline", "steps": [{"name": "a", "job": %s}, {"name": "b", "needs": ["a"], "job": %s}]}
            """.formatted(SPEC, SPEC);

    private static ConfigurableApplicationContext start(String url, Map<String, Object> more) {
        Map<String, Object> settings = new HashMap<>(EmbeddedServices.settings(url));
        settings.put("octavo.queue.sweep", "1h");
        settings.put("spring.main.web-application-type", "none");
        settings.putAll(more);
        return new SpringApplicationBuilder(JobsTest.Application.class)
                .properties(settings)
                .run();
    }

    /** A worker of release 1, as its statements were, prepared on a connection that it keeps. */
    private static final class OldWorker implements AutoCloseable {

        private final UUID id = UUID.randomUUID();
        private final Connection connection;

        OldWorker(String url) throws SQLException {
            connection = DriverManager.getConnection(url + "&prepareThreshold=1");
            connection.setAutoCommit(false);
        }

        UUID submit(int priority) throws SQLException {
            UUID job = UUID.randomUUID();
            update("""
                    insert into job (attempt, attempt_limit, available_at, cancel_requested, created_at, priority, spec,
                        status, type, id)
                    values (0, 5, now(), false, now(), ?, cast(? as jsonb), 'QUEUED', 'quantize', ?)
                    """, priority, SPEC, job);
            connection.commit();
            return job;
        }

        /** Asks as release 1 did, which also tries again when its statement went stale. */
        Optional<Lease> claim() throws SQLException {
            try {
                return tryClaim();
            } catch (SQLException e) {
                assertThat(String.valueOf(e.getMessage())).contains("cached plan must not change result type");
                connection.rollback();
                return tryClaim();
            }
        }

        private Optional<Lease> tryClaim() throws SQLException {
            try (PreparedStatement next = connection.prepareStatement("""
                            select * from job
                            where status = 'QUEUED' and available_at <= now() and type in ('quantize')
                            order by priority desc, created_at, id
                            limit 1
                            for update skip locked
                            """);
                    ResultSet row = next.executeQuery()) {
                if (!row.next()) {
                    connection.commit();
                    return Optional.empty();
                }
                Lease lease = new Lease(row.getObject("id", UUID.class), row.getInt("attempt") + 1);
                update("""
                        update job set attempt = ?, lease_expires_at = now() + interval '30 seconds', lease_owner = ?,
                            started_at = now(), status = 'RUNNING', worker = 'old' where id = ?
                        """, lease.attempt(), id, lease.jobId());
                connection.commit();
                return Optional.of(lease);
            }
        }

        int heartbeat(Lease lease) throws SQLException {
            int renewed = update("""
                    update job set lease_expires_at = now() + interval '30 seconds'
                    where id = ? and attempt = ? and status = 'RUNNING'
                    """, lease.jobId(), lease.attempt());
            connection.commit();
            return renewed;
        }

        void complete(Lease lease) throws SQLException {
            update("""
                    update job set finished_at = now(), lease_expires_at = null, lease_owner = null, result = '{}',
                        status = 'SUCCEEDED' where id = ?
                    """, lease.jobId());
            connection.commit();
        }

        void register() throws SQLException {
            update("""
                    insert into worker (id, name, host, device, engine_version, schemes, layouts)
                    values (?, 'old', 'host', 'cpu', '1', '[]', '[]')
                    """, id);
            connection.commit();
        }

        private int update(String statement, Object... values) throws SQLException {
            try (PreparedStatement prepared = connection.prepareStatement(statement)) {
                for (int i = 0; i < values.length; i++) {
                    prepared.setObject(i + 1, values[i]);
                }
                return prepared.executeUpdate();
            }
        }

        @Override
        public void close() throws SQLException {
            connection.close();
        }
    }

    @Test
    void bothReleasesWorkOnOneDatabaseWhileItIsMigrated() throws SQLException {
        String url = EmbeddedServices.newDatabase();
        start(url, Map.of("spring.flyway.target", "2")).close();
        try (OldWorker old = new OldWorker(url)) {
            old.register();
            UUID runs = old.submit(5);
            UUID waits = old.submit(0);
            Lease held = old.claim().orElseThrow();
            assertThat(held.jobId()).isEqualTo(runs);
            assertThat(old.heartbeat(held)).isEqualTo(1);

            try (ConfigurableApplicationContext context = start(url, Map.of())) {
                JobQueue queue = context.getBean(JobQueue.class);
                JobService service = context.getBean(JobService.class);
                WorkerIdentity worker = new WorkerIdentity(UUID.randomUUID(), "new");

                // What runs goes on, under the old worker's lease.
                assertThat(old.heartbeat(held)).isEqualTo(1);
                assertThat(service.get(TenantId.BUILT_IN, runs).status()).isEqualTo(JobStatus.RUNNING);

                // What waited is there for the new ones, and what old replicas submit now has its order too.
                Lease first = queue.claim(worker, TYPES).orElseThrow().lease();
                assertThat(first.jobId()).isEqualTo(waits);
                UUID low = old.submit(0);
                UUID high = old.submit(10);
                assertThat(queue.claim(worker, TYPES).orElseThrow().lease().jobId())
                        .isEqualTo(high);

                // Old and new do not get the same job, and each respects the other's tokens.
                assertThat(old.claim().orElseThrow().jobId()).isEqualTo(low);
                assertThat(old.claim()).isEmpty();
                old.complete(held);
                assertThat(service.get(TenantId.BUILT_IN, runs).status()).isEqualTo(JobStatus.SUCCEEDED);
                assertThat(old.heartbeat(first)).isEqualTo(1);
                queue.complete(first, JsonNodeFactory.instance.objectNode());
                assertThat(old.heartbeat(first)).isZero();
                assertThat(service.events(TenantId.BUILT_IN, waits, 0, PageLimit.of(null))
                                .items())
                        .hasSize(2);
                assertThat(queue.claim(worker, TYPES)).isEmpty();

                // A step that waits is nothing for the old worker; what it ends of a pipeline is caught up with.
                JobSpec pipeline = context.getBean(JobSpecReader.class).readStored(JSON.readTree(PIPELINE));
                JobView submitted = service.submit(TenantId.BUILT_IN, pipeline, FoundPlans.NONE);
                Lease step = old.claim().orElseThrow();
                assertThat(step.jobId()).isEqualTo(submitted.steps().getFirst().jobId());
                assertThat(old.claim()).isEmpty();
                old.complete(step);
                assertThat(old.claim()).isEmpty();
                assertThat(queue.advancePipelines()).isEqualTo(1);
                assertThat(old.claim().orElseThrow().jobId())
                        .isEqualTo(submitted.steps().getLast().jobId());
            }
        }
    }

    @Test
    void everyMigrationKeepsWhatTheOneBeforeItStored() throws SQLException {
        String url = EmbeddedServices.newDatabase();
        start(url, Map.of("spring.flyway.target", "1")).close();
        List<UUID> submitted = new ArrayList<>();
        try (OldWorker old = new OldWorker(url)) {
            for (int i = 0; i < 5; i++) {
                submitted.add(old.submit(i));
            }
        }
        try (ConfigurableApplicationContext context = start(url, Map.of())) {
            JobQueue queue = context.getBean(JobQueue.class);
            WorkerIdentity worker = new WorkerIdentity(UUID.randomUUID(), "new");
            List<UUID> claimed = new ArrayList<>();
            for (Optional<Claim> next = queue.claim(worker, TYPES);
                    next.isPresent();
                    next = queue.claim(worker, TYPES)) {
                claimed.add(next.get().lease().jobId());
            }
            assertThat(claimed).containsExactlyElementsOf(submitted.reversed());
        }
    }
}
