package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.hub.RepositoryName;
import io.octavo.jobs.JobsTest;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.FailureKind;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.Requirements;
import io.octavo.jobs.spec.Scheduling;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.testing.Specs;
import io.octavo.jobs.worker.DiskOutlook;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerDisk;
import io.octavo.jobs.worker.WorkerOffer;
import io.octavo.jobs.worker.WorkerRegistry;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.ContextConfiguration;

/** Who gets which job: turns of tenants, quotas, ageing priorities, what workers offer, and what a job is told. */
@ContextConfiguration(initializers = EmbeddedServices.class)
class FairShareTest extends JobsTest {

    private static final Set<String> TYPES = Set.of(QuantizeSpec.TYPE);
    private static final UUID RED = new UUID(1, 1);
    private static final UUID BLUE = new UUID(2, 2);
    private static final long GB = 1_000_000_000L;

    @Autowired
    WorkerRegistry registry;

    @Autowired
    LaneRepository lanes;

    private final WorkerIdentity worker = new WorkerIdentity(UUID.randomUUID(), "alice");

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, worker, tenant_share")
                .update();
    }

    private static QuantizeSpec spec(String device, Scheduling scheduling) {
        return new QuantizeSpec(
                SourceUri.parse("hub:octavo/books-5m"),
                "FP8_DYNAMIC",
                RepositoryName.parse("octavo/books-5m-FP8"),
                "compressed-tensors",
                List.of(),
                List.of(),
                Optional.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                device,
                true,
                scheduling);
    }

    private TenantId tenantOf(UUID id) {
        return new TenantId(sql.sql("select tenant from job where id = ?")
                .param(id)
                .query(UUID.class)
                .single());
    }

    private JobView job(UUID id) {
        return service.get(tenantOf(id), id);
    }

    private UUID submit(UUID tenant, int priority) {
        return service.submit(new TenantId(tenant), spec("auto", Specs.scheduling(priority)), FoundPlans.NONE)
                .id();
    }

    private UUID submit(Requirements requirements) {
        return service.submit(
                        TenantId.BUILT_IN, spec("auto", Scheduling.untimed(0, requirements, Map.of())), FoundPlans.NONE)
                .id();
    }

    private void register(WorkerIdentity who, WorkerOffer offer) {
        register(who, offer, WorkerDisk.UNLIMITED);
    }

    private void register(WorkerIdentity who, WorkerOffer offer, WorkerDisk disk) {
        registry.register(who, new WorkerDescription("host", "device", offer, disk, "1", List.of(), List.of()), false);
    }

    private Optional<UUID> claimed() {
        return queue.claim(worker, TYPES).map(claim -> claim.lease().jobId());
    }

    private JobView.Waiting waiting(UUID job) {
        return Objects.requireNonNull(job(job).waiting());
    }

    @Test
    void tenantsTakeTurnsHoweverManyJobsOneHas() {
        List<UUID> red = IntStream.range(0, 4).mapToObj(i -> submit(RED, 1000)).toList();
        List<UUID> blue = IntStream.range(0, 2).mapToObj(i -> submit(BLUE, 0)).toList();

        List<UUID> order = new ArrayList<>();
        for (Optional<Claim> next = queue.claim(worker, TYPES); next.isPresent(); next = queue.claim(worker, TYPES)) {
            order.add(next.get().lease().jobId());
            queue.complete(next.get().lease(), tools.jackson.databind.node.JsonNodeFactory.instance.objectNode());
        }

        assertThat(order).containsExactly(red.get(0), blue.get(0), red.get(1), blue.get(1), red.get(2), red.get(3));
    }

    @Test
    void aTenantWithTwiceTheWeightRunsTwiceAsMany() {
        sql.sql("insert into tenant_share (tenant, weight) values (?, 2)")
                .param(RED)
                .update();
        IntStream.range(0, 10).forEach(i -> submit(RED, 0));
        IntStream.range(0, 10).forEach(i -> submit(BLUE, 0));

        IntStream.range(0, 9).forEach(i -> claimed());

        assertThat(running(RED)).isEqualTo(6);
        assertThat(running(BLUE)).isEqualTo(3);
    }

    private long running(UUID tenant) {
        return sql.sql("select count(*) from job where status = 'RUNNING' and tenant = ?")
                .param(tenant)
                .query(Long.class)
                .single();
    }

    @Test
    void aQuotaHoldsHoweverManyWorkersAsk() throws Exception {
        sql.sql("insert into tenant_share (tenant, max_running) values (?, 2)")
                .param(RED)
                .update();
        IntStream.range(0, 20).forEach(i -> submit(RED, 0));
        ConcurrentLinkedQueue<UUID> claimed = new ConcurrentLinkedQueue<>();

        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<?>> asked = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                asked.add(threads.submit(() -> claimed().ifPresent(claimed::add)));
            }
            for (Future<?> one : asked) {
                one.get();
            }
        }

        assertThat(claimed).hasSize(2);
        UUID third = sql.sql("select id from job where status = 'QUEUED' order by queue_order, id limit 1")
                .query(UUID.class)
                .single();
        register(worker, WorkerOffer.CPU);
        assertThat(waiting(third)).isEqualTo(new JobView.Waiting("quota", "quota of 2 running jobs reached"));
    }

    @Test
    void aPointOfPriorityIsWorthAMinuteOfWaiting() {
        UUID old = submit(RED, 0);
        UUID young = submit(RED, 10);
        UUID urgent = submit(RED, 20);
        sql.sql("update job set created_at = created_at - interval '15 minutes' where id = ?")
                .param(old)
                .update();

        assertThat(List.of(
                        claimed().orElseThrow(),
                        claimed().orElseThrow(),
                        claimed().orElseThrow()))
                .containsExactly(urgent, old, young);
    }

    @ParameterizedTest
    @CsvSource({
        "'',   0,  0, '',   cpu,  0,  0, '',     true",
        "cuda, 0,  0, '',   cpu,  0,  0, '',     false",
        "cuda, 0,  0, '',   cuda, 80, 90, '',    true",
        "'',   40, 0, '',   cuda, 39, 90, '',    false",
        "'',   40, 0, '',   cuda, 40, 90, '',    true",
        "'',   0, 90, '',   cuda, 80, 89, '',    false",
        "'',   0, 90, '',   cuda, 80, 100, '',   true",
        "'',   0,  0, pool, cpu,  0,  0, '',     false",
        "'',   0,  0, pool, cpu,  0,  0, pool,   true",
    })
    void aJobGoesToAWorkerThatOffersAllItAsks(
            String kind,
            long gb,
            int capability,
            String label,
            String hasKind,
            long hasGb,
            int has,
            String hasLabel,
            boolean fits) {
        UUID id = submit(new Requirements(kind, gb * GB, capability, labels(label)));
        register(worker, new WorkerOffer(hasKind, hasGb * GB, has, labels(hasLabel)));

        assertThat(claimed().isPresent()).isEqualTo(fits);
        if (!fits) {
            assertThat(waiting(id).code()).isEqualTo("no-suitable-worker");
        }
    }

    private static Map<String, String> labels(String label) {
        return label.isEmpty() ? Map.of() : Map.of(label, "a", "other", "b");
    }

    private UUID submitLarge(long gb, UUID tenant) {
        var found = new FoundPlans(new FoundPlans.Found(null, gb * GB), Map.of());
        return service.submit(new TenantId(tenant), spec("auto", Specs.scheduling(0)), found)
                .id();
    }

    @Test
    void aWorkerTakesNoJobThatItsDiskHasNoRoomForAndLooksPastIt() {
        List<UUID> large =
                IntStream.range(0, 5).mapToObj(i -> submitLarge(41, RED)).toList();
        UUID small = submitLarge(40, RED);
        register(worker, WorkerOffer.CPU, new WorkerDisk(100 * GB, 40 * GB));

        assertThat(waiting(large.getFirst()))
                .isEqualTo(
                        new JobView.Waiting(
                                "no-disk",
                                "it needs 41000000000 bytes of a worker's disk; the most that one has for a job is 40000000000"));
        assertThat(waiting(small).code()).isEqualTo("jobs-ahead");
        assertThat(depth("no-disk")).isEqualTo(5);
        assertThat(depth("ready")).isEqualTo(1);
        assertThat(claimed()).contains(small);
        assertThat(claimed()).isEmpty();

        registry.seen(worker, 41 * GB);
        assertThat(waiting(large.getFirst()).code()).isEqualTo("workers-busy");
        assertThat(claimed()).contains(large.getFirst());
    }

    private long depth(String reason) {
        return lanes.depths(60, 100).stream()
                .filter(row -> row.reason().equals(reason))
                .mapToLong(LaneRepository.Depth::jobs)
                .sum();
    }

    /** Of a release that told nothing of disks. */
    @Test
    void aWorkerWhoseDiskIsUnknownIsOfferedAnyJob() {
        UUID large = submitLarge(1000, RED);
        register(worker, WorkerOffer.CPU);
        sql.sql("update worker set disk_bytes = null, free_disk_bytes = null").update();
        assertThat(waiting(large).code()).isEqualTo("workers-busy");
        assertThat(registry.disks(Requirements.NONE)).isEqualTo(new DiskOutlook(1, Long.MAX_VALUE, Long.MAX_VALUE));
        assertThat(registry.list(TenantId.BUILT_IN).getFirst().disk()).isNull();
        assertThat(claimed()).contains(large);
    }

    @Test
    void disksAreThoseOfLivingWorkersThatSuitTheJob() {
        var asked = new Requirements("cuda", 40 * GB, 90, Map.of("pool", "a"));
        assertThat(registry.disks(asked)).isEqualTo(new DiskOutlook(0, 0, 0));
        register(
                new WorkerIdentity(UUID.randomUUID(), "dead"),
                new WorkerOffer("cuda", 80 * GB, 90, labels("pool")),
                new WorkerDisk(500 * GB, 500 * GB));
        sql.sql("update worker set last_seen_at = now() - interval '1 hour'").update();
        for (WorkerOffer other : List.of(
                new WorkerOffer("cpu", 80 * GB, 90, labels("pool")),
                new WorkerOffer("cuda", 39 * GB, 90, labels("pool")),
                new WorkerOffer("cuda", 80 * GB, 89, labels("pool")),
                new WorkerOffer("cuda", 80 * GB, 90, labels("lake")))) {
            register(new WorkerIdentity(UUID.randomUUID(), "other"), other, new WorkerDisk(400 * GB, 400 * GB));
        }
        var suitable = new WorkerOffer("cuda", 40 * GB, 90, labels("pool"));
        register(worker, suitable, new WorkerDisk(100 * GB, 10 * GB));
        register(new WorkerIdentity(UUID.randomUUID(), "bob"), suitable, new WorkerDisk(90 * GB, 20 * GB));
        assertThat(registry.disks(asked)).isEqualTo(new DiskOutlook(2, 100 * GB, 20 * GB));
        assertThat(registry.disks(Requirements.NONE).totalBytes()).isEqualTo(400 * GB);
    }

    @Test
    void aJobForCudaAsksForIt() {
        UUID id = service.submit(TenantId.BUILT_IN, spec("cuda", Specs.scheduling(0)), FoundPlans.NONE)
                .id();
        register(worker, WorkerOffer.CPU);
        assertThat(claimed()).isEmpty();
        assertThat(waiting(id))
                .isEqualTo(new JobView.Waiting("no-suitable-worker", "no worker has a cuda device; 1 worker running"));
    }

    @Test
    void aJobThatNobodyCanRunDoesNotHoldUpTheOthers() {
        submit(new Requirements("cuda", 40 * GB, 0, Map.of()));
        UUID simple = submit(RED, 0);
        assertThat(claimed()).contains(simple);
    }

    @Test
    void jobsTellWhyTheyWait() {
        UUID large = submit(new Requirements("", 40 * GB, 90, Map.of("pool", "a")));
        UUID first = submit(RED, 0);
        UUID second = submit(RED, 0);
        UUID third = submit(RED, 0);
        assertThat(waiting(first)).isEqualTo(new JobView.Waiting("no-worker", "no worker is running"));

        register(worker, new WorkerOffer("cuda", 24 * GB, 89, Map.of()));

        assertThat(waiting(large))
                .isEqualTo(new JobView.Waiting(
                        "no-suitable-worker",
                        "no worker has a device with 40 GB of free memory and compute capability 9.0 and labels"
                                + " {pool=a}; 1 worker running"));
        assertThat(waiting(first))
                .isEqualTo(new JobView.Waiting("workers-busy", "next in line for one of 1 suitable worker"));
        assertThat(waiting(second)).isEqualTo(new JobView.Waiting("jobs-ahead", "1 job ahead"));
        assertThat(waiting(third)).isEqualTo(new JobView.Waiting("jobs-ahead", "2 jobs ahead"));

        Claim claim = queue.claim(worker, TYPES).orElseThrow();
        assertThat(job(first).waiting()).isNull();
        queue.fail(claim.lease(), new Failure("disk-full", FailureKind.RESOURCE, "no space"));
        assertThat(waiting(first).code()).isEqualTo("resting");
        assertThat(waiting(first).detail()).startsWith("next attempt at 20");
    }

    @Test
    void aJobWhoseAttemptsAreUsedUpIsADeadLetterUntilItIsRetried() {
        UUID id = submit(RED, 0);
        for (int attempt = 1; attempt <= 3; attempt++) {
            sql.sql("update job set available_at = now()").update();
            queue.fail(
                    queue.claim(worker, TYPES).orElseThrow().lease(),
                    new Failure("storage-unavailable", FailureKind.TRANSIENT, "down"));
        }
        assertThat(job(id).status()).isEqualTo(JobStatus.FAILED);
        assertThat(job(id).deadLetter()).isTrue();

        assertThat(service.retry(tenantOf(id), id).deadLetter()).isFalse();
        Lease lease = queue.claim(worker, TYPES).orElseThrow().lease();
        queue.fail(lease, new Failure("scheme-unsuitable", FailureKind.USER, "no"));
        assertThat(job(id).status()).isEqualTo(JobStatus.FAILED);
        assertThat(job(id).deadLetter()).isFalse();
    }

    @Test
    void aTimeoutCountsFromTheFirstStart() {
        service.submit(
                TenantId.BUILT_IN,
                spec(
                        "auto",
                        new Scheduling(
                                0,
                                Requirements.NONE,
                                Optional.of(Duration.ofHours(1)),
                                Optional.of(Duration.ofMinutes(1)),
                                Map.of())),
                FoundPlans.NONE);
        Claim first = queue.claim(worker, TYPES).orElseThrow();
        assertThat(first.timeLeft()).contains(Duration.ofHours(1));
        queue.release(first.lease());
        sql.sql("update job set started_at = started_at - interval '40 minutes'")
                .update();

        Claim second = queue.claim(worker, TYPES).orElseThrow();

        assertThat(second.timeLeft().orElseThrow()).isBetween(Duration.ofMinutes(19), Duration.ofMinutes(20));
        assertThat(second.spec().scheduling()).isEqualTo(first.spec().scheduling());
    }

    @Test
    void aSpecOfALaterReleaseRestsAndDoesNotStopTheOthers() {
        UUID strange = submit(RED, 0);
        sql.sql("update job set spec = jsonb_set(spec, '{fromTheFuture}', '1')").update();
        UUID simple = submit(RED, 0);

        assertThat(claimed()).contains(simple);
        assertThat(job(strange).status()).isEqualTo(JobStatus.QUEUED);
        assertThat(Objects.requireNonNull(job(strange).problem()).code()).isEqualTo("spec-unreadable");
    }

    @Test
    void aWorkerThatWasNotSeenForLongCountsAsDead() {
        UUID id = submit(RED, 0);
        register(worker, WorkerOffer.CPU);
        sql.sql("update worker set last_seen_at = now() - interval '1 minute'").update();
        assertThat(waiting(id).code()).isEqualTo("no-worker");
    }
}
