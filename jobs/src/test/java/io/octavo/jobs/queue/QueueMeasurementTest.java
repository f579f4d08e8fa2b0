package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.Specs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.node.JsonNodeFactory;

/** What the queue promises in milliseconds and bytes; docs/benchmarks.md quotes what this prints on an idle machine. */
@EnabledIfSystemProperty(named = "octavo.measure", matches = "queue", disabledReason = "figures need an idle machine")
@Timeout(600)
class QueueMeasurementTest extends JobsTest {

    private static final Set<String> TYPES = Set.of(QuantizeSpec.TYPE);
    private static final Duration LEASE = Duration.ofSeconds(10);

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add("octavo.queue.lease", LEASE::toString);
        registry.add("octavo.queue.sweep", () -> "500ms");
    }

    @Autowired
    JobSignals signals;

    private final WorkerIdentity worker = new WorkerIdentity(UUID.randomUUID(), "measured");

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, tenant_share")
                .update();
    }

    private static QuantizeSpec spec() {
        return Specs.quantize("hub:octavo/books-5m", "octavo/books-5m-FP8", List.of("lm_head"), 0);
    }

    /** A worker's thread: woken by signals, with a poll as a net. */
    private final class Waiter implements AutoCloseable {

        private final Semaphore wake = new Semaphore(0);
        private final JobSignals.Registration registration = signals.onQueue(wake::release);
        private final Map<UUID, Long> claimedAt = new ConcurrentHashMap<>();
        private final Semaphore claimed = new Semaphore(0);
        private volatile boolean stopped;
        private final Thread thread = Thread.ofPlatform().start(this::run);

        private void run() {
            while (!stopped) {
                Optional<Claim> claim = queue.claim(worker, TYPES);
                if (claim.isPresent()) {
                    claimedAt.put(claim.get().lease().jobId(), System.nanoTime());
                    claimed.release();
                    queue.complete(claim.get().lease(), JsonNodeFactory.instance.objectNode());
                } else {
                    await();
                }
            }
        }

        long claimedAt(UUID job) {
            return Objects.requireNonNull(claimedAt.get(job));
        }

        private void await() {
            try {
                if (wake.tryAcquire(2, TimeUnit.SECONDS)) {
                    wake.drainPermits();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                stopped = true;
            }
        }

        @Override
        public void close() {
            stopped = true;
            wake.release();
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            registration.close();
        }
    }

    private static void report(String what, List<Double> millis) {
        List<Double> sorted = millis.stream().sorted().toList();
        System.out.printf(
                "%s: n %d, p50 %.2f ms, p99 %.2f ms, max %.2f ms%n",
                what, sorted.size(), quantile(sorted, 0.5), quantile(sorted, 0.99), sorted.getLast());
    }

    private static double quantile(List<Double> sorted, double share) {
        return sorted.get((int) Math.min(sorted.size() - 1, Math.floor(share * sorted.size())));
    }

    private static double millis(long nanos) {
        return nanos / 1e6;
    }

    /** Behind so many jobs that all of the way is compiled, as in a process that runs for long. */
    @Test
    void anIdleWorkerPicksAJobUpAtOnce() throws Exception {
        List<Double> pickUps = new ArrayList<>();
        List<Double> withSubmission = new ArrayList<>();
        try (Waiter waiter = new Waiter()) {
            for (int i = 0; i < 6000; i++) {
                LockSupport.parkNanos(10_000_000);
                long asked = System.nanoTime();
                UUID id = service.submit(TenantId.BUILT_IN, spec(), FoundPlans.NONE)
                        .id();
                long submitted = System.nanoTime();
                waiter.claimed.acquire();
                if (i >= 5000) {
                    pickUps.add(millis(Math.max(0, waiter.claimedAt(id) - submitted)));
                    withSubmission.add(millis(waiter.claimedAt(id) - asked));
                }
            }
        }
        report("pick-up, from the submission's acknowledgement to the lease", pickUps);
        report("the same from the call that submits", withSubmission);
        assertThat(quantile(pickUps.stream().sorted().toList(), 0.5)).isLessThan(10);
        assertThat(quantile(pickUps.stream().sorted().toList(), 0.99)).isLessThan(100);
    }

    @Test
    void tenThousandQueuedJobsDoNotSlowClaims() {
        List<Double> last = new ArrayList<>();
        for (int queued : List.of(10, 10_000)) {
            startEmpty();
            fill(queued);
            List<Double> claims = new ArrayList<>();
            for (int i = 0; i < 1200; i++) {
                long asked = System.nanoTime();
                Claim claim = queue.claim(worker, TYPES).orElseThrow();
                if (i >= 200) {
                    claims.add(millis(System.nanoTime() - asked));
                }
                queue.complete(claim.lease(), JsonNodeFactory.instance.objectNode());
                service.submit(new TenantId(tenant(i)), spec(), FoundPlans.NONE);
            }
            report("claim with " + queued + " queued", claims);
            last = claims;
        }
        assertThat(quantile(last.stream().sorted().toList(), 0.99)).isLessThan(20);
    }

    private static UUID tenant(int number) {
        return new UUID(1, number % 20);
    }

    /** Of twenty tenants, a tenth of them for workers that are not there. */
    private void fill(int queued) {
        sql.sql("""
                insert into lane (device_kind, device_memory_bytes)
                select 'cuda', cast(1000000000 as bigint) * g from generate_series(1, 5) g on conflict do nothing
                """).update();
        UUID pattern =
                service.submit(new TenantId(tenant(0)), spec(), FoundPlans.NONE).id();
        sql.sql("""
                insert into job (id, type, status, priority, spec, attempt_limit, tenant, lane, created_at)
                select gen_random_uuid(), type, status, g % 10, spec, attempt_limit,
                    cast('00000000-0000-0001-0000-' || lpad(to_hex(g % 20), 12, '0') as uuid),
                    case when g % 10 = 0 then (select min(id) + g / 10 % 5 from lane where id > 0) else 0 end,
                    now() - make_interval(secs => g)
                from job, generate_series(1, ?) g where job.id = ?
                """).param(queued - 1).param(pattern).update();
        sql.sql("analyze job").update();
    }

    @Test
    void theJobsOfADeadWorkerRunAgainTwoSecondsAfterTheirLeaseAtTheLatest() throws Exception {
        Map<UUID, Long> renewedAt = new HashMap<>();
        for (int i = 0; i < 20; i++) {
            service.submit(TenantId.BUILT_IN, spec(), FoundPlans.NONE);
            Claim claim = queue.claim(new WorkerIdentity(UUID.randomUUID(), "dies"), TYPES)
                    .orElseThrow();
            renewedAt.put(claim.lease().jobId(), System.nanoTime());
            LockSupport.parkNanos(97_000_000);
        }
        List<Double> delays = new ArrayList<>();
        try (Waiter waiter = new Waiter()) {
            assertThat(waiter.claimed.tryAcquire(20, 60, TimeUnit.SECONDS)).isTrue();
            renewedAt.forEach((id, at) -> delays.add(millis(waiter.claimedAt(id) - at)));
        }
        report("crash to reclaim and a new lease, at a lease of " + LEASE, delays);
        assertThat(delays).allMatch(delay -> delay < LEASE.plusSeconds(2).toMillis());
    }

    /**
     * The day passes in seconds, in which the server's own vacuum, which looks once a minute, hardly comes: so each hour's
     * beats are followed by one. Beats that come while somebody reads the table cannot be pruned; enough of them fill a page,
     * and the row moves to a new one, which is free again only after a vacuum.
     */
    @Test
    void aDayOfHeartbeatsLeavesASmallTable() throws Exception {
        int jobs = 2;
        int hour = 60 * 60;
        int beats = 24 * hour;
        List<Thread> threads = new ArrayList<>();
        String before = size();
        long movedBefore = moved();
        for (int i = 0; i < jobs; i++) {
            service.submit(TenantId.BUILT_IN, spec(), FoundPlans.NONE);
            Lease lease = queue.claim(worker, TYPES).orElseThrow().lease();
            threads.add(Thread.ofPlatform().start(() -> {
                for (int beat = 1; beat <= beats; beat++) {
                    queue.heartbeat(lease);
                    if (beat % hour == 0) {
                        sql.sql("vacuum job").update();
                    }
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        Awaitility.await("the server's statistics, which come late")
                .until(() -> sql.sql("select n_tup_upd from pg_stat_user_tables where relname = 'job'")
                                .query(Long.class)
                                .single()
                        >= (long) jobs * beats);
        String after = sql.sql("""
                        select n_tup_upd || ' updates, ' || n_tup_hot_upd || ' of them heap-only, '
                            || n_dead_tup || ' dead rows, ' || autovacuum_count || ' autovacuums'
                        from pg_stat_user_tables where relname = 'job'
                        """).query(String.class).single();
        System.out.printf(
                "%d heartbeats of %d jobs: %s; table and indexes %s, before %s%n",
                (long) beats * jobs, jobs, after, size(), before);
        assertThat(moved() - movedBefore)
                .as("beats that touched indexes: those that found their page full")
                .isLessThan((long) beats * jobs / 50);
        // Without reclaiming, the 172,800 versions of some 300 bytes would be dead, in 50 MB.
        assertThat(sql.sql("select n_dead_tup from pg_stat_user_tables where relname = 'job'")
                        .query(Long.class)
                        .single())
                .isLessThan(5_000);
        assertThat(sql.sql("select pg_total_relation_size('job')")
                        .query(Long.class)
                        .single())
                .isLessThan(2 << 20);
    }

    private long moved() {
        return sql.sql("select n_tup_upd - n_tup_hot_upd from pg_stat_user_tables where relname = 'job'")
                .query(Long.class)
                .single();
    }

    private String size() {
        return sql.sql("select pg_size_pretty(pg_total_relation_size('job'))")
                .query(String.class)
                .single();
    }
}
