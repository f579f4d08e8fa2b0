package io.octavo.jobs.queue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.octavo.jobs.JobsTest;
import io.octavo.jobs.identity.TenantId;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.problem.Failure;
import io.octavo.jobs.problem.FailureKind;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.testing.Specs;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.beans.factory.annotation.Autowired;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What the queue promises, whichever PostgreSQL is below it. */
abstract class AbstractQueueTest extends JobsTest {

    private static final Set<String> TYPES = Set.of(QuantizeSpec.TYPE);
    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final WorkerIdentity ALICE = worker("alice");
    private static final WorkerIdentity BOB = worker("bob");
    private static final Failure STORAGE_DOWN = Failure.of(ProblemCode.STORAGE_UNAVAILABLE, "storage is down");

    @Autowired
    JobSignals signals;

    private static WorkerIdentity worker(String name) {
        return new WorkerIdentity(UUID.randomUUID(), name);
    }

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation")
                .update();
    }

    private static QuantizeSpec spec(int priority) {
        return Specs.quantize("hub:octavo/books-5m", "octavo/books-5m-FP8", List.of("lm_head"), priority);
    }

    private UUID submit() {
        return service.submit(TENANT, spec(0), FoundPlans.NONE).id();
    }

    private Claim claim(WorkerIdentity worker) {
        return queue.claim(worker, TYPES).orElseThrow();
    }

    private void expire(Claim claim) {
        sql.sql("update job set lease_expires_at = now() - interval '1 millisecond' where id = ?")
                .param(claim.lease().jobId())
                .update();
    }

    private void makeAvailable(UUID job) {
        sql.sql("update job set available_at = now() where id = ?").param(job).update();
    }

    @Test
    void handsOutByPriorityThenAge() {
        UUID first = submit();
        UUID second = submit();
        UUID urgent = service.submit(TENANT, spec(5), FoundPlans.NONE).id();

        assertThat(List.of(claim(ALICE), claim(ALICE), claim(BOB)))
                .extracting(claim -> claim.lease().jobId())
                .containsExactly(urgent, first, second);
        assertThat(queue.claim(ALICE, TYPES)).isEmpty();
    }

    @Test
    void claimCarriesTheSpecAndRaisesTheAttempt() {
        UUID id = submit();

        Claim claim = claim(ALICE);

        assertThat(claim)
                .isEqualTo(new Claim(
                        new Lease(id, 1), TENANT, spec(0), Optional.empty(), Optional.empty(), Optional.empty()));
        JobView job = service.get(TENANT, id);
        assertThat(job.status()).isEqualTo(JobStatus.RUNNING);
        assertThat(job.worker()).isEqualTo("alice");
        assertThat(job.startedAt()).isNotNull();
    }

    @Test
    void leavesTypesOfOthersAlone() {
        submit();
        assertThat(queue.claim(ALICE, Set.of("evaluate"))).isEmpty();
    }

    @Test
    void competingWorkersNeverShareAJob() throws Exception {
        int jobs = 200;
        int workers = 8;
        IntStream.range(0, jobs).forEach(i -> submit());
        ConcurrentLinkedQueue<UUID> claimed = new ConcurrentLinkedQueue<>();

        onThreads(workers, () -> {
            WorkerIdentity me = worker(Thread.currentThread().getName());
            for (Optional<Claim> next = queue.claim(me, TYPES); next.isPresent(); next = queue.claim(me, TYPES)) {
                claimed.add(next.get().lease().jobId());
                queue.complete(next.get().lease(), result("done"));
            }
            return null;
        });

        assertThat(claimed).hasSize(jobs).doesNotHaveDuplicates();
        assertThat(count("select count(*) from job where status = 'SUCCEEDED' and attempt = 1"))
                .isEqualTo(jobs);
    }

    @Test
    void onlyOneOfManyCanTakeBackAnExpiredLease() throws Exception {
        UUID id = submit();
        expire(claim(ALICE));

        List<Integer> reclaimed = onThreads(8, queue::reclaimExpired);

        assertThat(reclaimed.stream().mapToInt(Integer::intValue).sum()).isEqualTo(1);
        assertThat(claim(BOB).lease()).isEqualTo(new Lease(id, 2));
    }

    @Test
    void renewsALeaseByTheDatabasesClock() {
        Claim claim = claim(submitAnd(ALICE));
        expire(claim);

        assertThat(queue.heartbeat(claim.lease()).cancelRequested()).isFalse();

        assertThat(queue.reclaimExpired()).isZero();
        assertThat(count("select count(*) from job where lease_expires_at > now() + interval '20 seconds'"))
                .isEqualTo(1);
    }

    private WorkerIdentity submitAnd(WorkerIdentity worker) {
        submit();
        return worker;
    }

    static List<Consumer<AbstractQueueTest>> staleWrites() {
        Lease stale = new Lease(new UUID(0, 0), 1);
        return List.of(
                test -> test.queue.heartbeat(test.staleLease(stale)),
                test -> test.queue.phase(test.staleLease(stale), "quantize"),
                test -> test.queue.progress(test.staleLease(stale), 0.5),
                test -> test.queue.log(test.staleLease(stale), "line"),
                test -> test.queue.metric(test.staleLease(stale), "m", 1),
                test -> test.queue.complete(test.staleLease(stale), result("stale")),
                test -> test.queue.fail(test.staleLease(stale), STORAGE_DOWN),
                test -> test.queue.cancelled(test.staleLease(stale)),
                test -> test.queue.release(test.staleLease(stale)),
                test -> test.queue.requireHeld(test.staleLease(stale)));
    }

    private Lease current = new Lease(new UUID(0, 0), 1);

    private Lease staleLease(Lease pattern) {
        return new Lease(current.jobId(), pattern.attempt());
    }

    @ParameterizedTest
    @MethodSource("staleWrites")
    void refusesWritesOfAnOvertakenAttempt(Consumer<AbstractQueueTest> write) {
        submit();
        expire(claim(ALICE));
        queue.reclaimExpired();
        current = claim(BOB).lease();
        long events = count("select count(*) from job_event");

        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> write.accept(this));

        assertThat(count("select count(*) from job_event")).isEqualTo(events);
        queue.complete(current, result("bob"));
        assertThat(service.get(TENANT, current.jobId()).result()).isEqualTo(result("bob"));
    }

    @ParameterizedTest
    @MethodSource("staleWrites")
    void refusesWritesOnceTheJobWasTakenBackThoughNobodyHasItYet(Consumer<AbstractQueueTest> write) {
        submit();
        Claim claim = claim(ALICE);
        current = claim.lease();
        expire(claim);
        queue.reclaimExpired();

        assertThatExceptionOfType(LeaseLostException.class).isThrownBy(() -> write.accept(this));
    }

    @Test
    void failsAJobWhoseWorkersKeepDisappearing() {
        UUID id = submit();
        for (int attempt = 1; attempt <= 3; attempt++) {
            expire(claim(ALICE));
            assertThat(queue.reclaimExpired()).isEqualTo(1);
        }

        JobView job = service.get(TENANT, id);
        assertThat(job.status()).isEqualTo(JobStatus.FAILED);
        assertThat(job.problem())
                .isEqualTo(new JobView.JobProblem(
                        "worker-lost", "worker alice stopped answering in attempt 3, which was the last one allowed"));
        assertThat(job.finishedAt()).isNotNull();
    }

    @ParameterizedTest
    @EnumSource(
            value = FailureKind.class,
            names = {"TRANSIENT", "RESOURCE"})
    void triesAgainLaterWhatMayPass(FailureKind kind) {
        UUID id = submit();
        queue.fail(claim(ALICE).lease(), new Failure("some-code", kind, "some reason"));

        JobView job = service.get(TENANT, id);
        assertThat(job.status()).isEqualTo(JobStatus.QUEUED);
        assertThat(job.problem()).isEqualTo(new JobView.JobProblem("some-code", "some reason"));
        makeAvailable(id);
        assertThat(claim(BOB).lease().attempt()).isEqualTo(2);
    }

    @Test
    void restsBeforeTheNextAttempt() {
        UUID id = submit();
        queue.fail(claim(ALICE).lease(), new Failure("disk-full", FailureKind.RESOURCE, "no space"));

        assertThat(queue.claim(BOB, TYPES)).isEmpty();
        assertThat(queue.untilAvailable().orElseThrow()).isBetween(Duration.ofSeconds(5), Duration.ofSeconds(15));
        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
    }

    @Test
    void failsForGoodAfterTheLastAttempt() {
        UUID id = submit();
        for (int attempt = 1; attempt <= 3; attempt++) {
            makeAvailable(id);
            queue.fail(claim(ALICE).lease(), STORAGE_DOWN);
        }

        JobView job = service.get(TENANT, id);
        assertThat(job.status()).isEqualTo(JobStatus.FAILED);
        assertThat(job.problem())
                .isEqualTo(new JobView.JobProblem(
                        "storage-unavailable", "storage is down (attempt 3 was the last one allowed)"));
    }

    @ParameterizedTest
    @EnumSource(
            value = FailureKind.class,
            names = {"USER", "INTERNAL"})
    void failsAtOnceWhatWillNotPass(FailureKind kind) {
        UUID id = submit();
        queue.fail(claim(ALICE).lease(), new Failure("scheme-unsuitable", kind, "not divisible"));
        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.FAILED);
    }

    @Test
    void cancelsAQueuedJobAtOnce() {
        UUID id = submit();
        assertThat(service.cancel(TENANT, id).status()).isEqualTo(JobStatus.CANCELLED);
        assertThat(queue.claim(ALICE, TYPES)).isEmpty();
        assertThatProblem(ProblemCode.JOB_NOT_CANCELLABLE, () -> service.cancel(TENANT, id));
    }

    @Test
    void aRunningJobsWorkerLearnsOfTheCancellationWithItsHeartbeat() {
        UUID id = submit();
        Claim claim = claim(ALICE);
        Semaphore told = new Semaphore(0);
        try (var _ = signals.onCancel(id, told::release)) {
            assertThat(service.cancel(TENANT, id).status()).isEqualTo(JobStatus.RUNNING);
            Awaitility.await().until(told::tryAcquire);
        }

        assertThat(queue.heartbeat(claim.lease()).cancelRequested()).isTrue();
        queue.cancelled(claim.lease());

        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.CANCELLED);
    }

    @Test
    void aCancelledJobIsNotTriedAgainWhenItsWorkerDisappears() {
        UUID id = submit();
        Claim claim = claim(ALICE);
        service.cancel(TENANT, id);
        expire(claim);
        queue.reclaimExpired();
        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.CANCELLED);
    }

    @Test
    void retriesAFailedJobWithAFullSetOfAttempts() {
        UUID id = submit();
        queue.fail(claim(ALICE).lease(), new Failure("scheme-unsuitable", FailureKind.USER, "no"));

        JobView queued = service.retry(TENANT, id);
        assertThat(queued.status()).isEqualTo(JobStatus.QUEUED);
        assertThat(queued.problem()).isNull();

        for (int attempt = 2; attempt <= 4; attempt++) {
            assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
            makeAvailable(id);
            Claim claim = claim(BOB);
            assertThat(claim.lease().attempt()).isEqualTo(attempt);
            queue.fail(claim.lease(), STORAGE_DOWN);
        }
        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.FAILED);
    }

    @Test
    void retriesNothingElse() {
        UUID id = submit();
        assertThatProblem(ProblemCode.JOB_NOT_RETRYABLE, () -> service.retry(TENANT, id));
        queue.complete(claim(ALICE).lease(), result("done"));
        assertThatProblem(ProblemCode.JOB_NOT_RETRYABLE, () -> service.retry(TENANT, id));
    }

    @Test
    void aJobHandedBackStartsAgainAtOnceAndLosesNoAttempt() {
        UUID id = submit();
        for (int round = 1; round <= 5; round++) {
            Claim claim = claim(ALICE);
            assertThat(claim.lease().attempt()).isEqualTo(round);
            queue.release(claim.lease());
        }
        assertThat(service.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
    }

    @Test
    void takesBackTheJobsOfADeadWorkerByName() {
        submit();
        claim(ALICE);
        submit();
        Claim bobs = claim(BOB);

        assertThat(queue.reclaimFrom("alice")).isEqualTo(1);

        assertThat(queue.heartbeat(bobs.lease()).cancelRequested()).isFalse();
        assertThat(claim(BOB).lease().attempt()).isEqualTo(2);
    }

    @Test
    void theSameKeyAndRequestAnswerWithTheFirstJob() throws Exception {
        List<UUID> ids = onThreads(
                8,
                () -> service.submit(TENANT, spec(0), FoundPlans.NONE, "key-1").id());

        assertThat(new HashSet<>(ids)).hasSize(1);
        assertThat(count("select count(*) from job")).isEqualTo(1);
        assertThat(service.submit(TENANT, spec(0), FoundPlans.NONE, "key-2").id())
                .isNotEqualTo(ids.getFirst());
    }

    @Test
    void theSameKeyWithAnotherRequestIsRefused() {
        service.submit(TENANT, spec(0), FoundPlans.NONE, "key-1");
        assertThatProblem(
                ProblemCode.IDEMPOTENCY_KEY_REUSED, () -> service.submit(TENANT, spec(1), FoundPlans.NONE, "key-1"));
        assertThat(count("select count(*) from job")).isEqualTo(1);
    }

    @Test
    void listsNewestFirstInPagesWithoutGapsOrRepeats() {
        List<UUID> submitted = IntStream.range(0, 7).mapToObj(i -> submit()).toList();
        List<UUID> listed = new ArrayList<>();
        TimeCursor cursor = TimeCursor.parse(null);
        for (String next = ""; next != null; ) {
            var page = service.list(TENANT, JobFilter.ALL, new PageLimit(3), cursor);
            page.items().forEach(job -> listed.add(job.id()));
            next = page.nextCursor();
            cursor = TimeCursor.parse(next);
        }
        assertThat(listed).containsExactlyElementsOf(submitted.reversed());
    }

    @Test
    void listsByStatusAndType() {
        UUID done = submit();
        queue.complete(claim(ALICE).lease(), result("done"));
        UUID queued = submit();

        assertThat(listed(Optional.of(JobStatus.SUCCEEDED), Optional.empty())).containsExactly(done);
        assertThat(listed(Optional.of(JobStatus.QUEUED), Optional.of("quantize")))
                .containsExactly(queued);
        assertThat(listed(Optional.empty(), Optional.of("evaluate"))).isEmpty();
    }

    private List<UUID> listed(Optional<JobStatus> status, Optional<String> type) {
        var filter = new JobFilter(status, type, Map.of(), Optional.empty());
        return service.list(TENANT, filter, PageLimit.of(null), TimeCursor.parse(null)).items().stream()
                .map(JobView::id)
                .toList();
    }

    @Test
    void eventsTellTheWholeStoryInOrder() {
        UUID id = submit();
        Lease lease = claim(ALICE).lease();
        queue.phase(lease, "quantize");
        queue.progress(lease, 0.5);
        queue.log(lease, "layer 1");
        JobView running = service.get(TENANT, id);
        assertThat(running.phase()).isEqualTo("quantize");
        assertThat(running.progress()).isEqualTo(0.5);
        queue.complete(lease, result("done"));

        assertThat(service.events(TENANT, id, 0, PageLimit.of(null)).items())
                .extracting(event -> event.type() + " " + event.data())
                .containsExactly(
                        "state {\"status\":\"QUEUED\",\"attempt\":0}",
                        "state {\"status\":\"RUNNING\",\"worker\":\"alice\",\"attempt\":1}",
                        "phase {\"phase\":\"quantize\"}",
                        "progress {\"progress\":0.5}",
                        "log {\"line\":\"layer 1\"}",
                        "state {\"status\":\"SUCCEEDED\",\"worker\":\"alice\",\"attempt\":1}");
        assertThat(service.get(TENANT, id).progress()).isEqualTo(1.0);
    }

    @Test
    void aNewAttemptStartsItsProgressAnew() {
        UUID id = submit();
        Claim claim = claim(ALICE);
        queue.progress(claim.lease(), 0.9);
        expire(claim);
        queue.reclaimExpired();
        claim(BOB);
        assertThat(service.get(TENANT, id).progress()).isZero();
    }

    @Test
    void submittingWakesWaitingWorkers() {
        Semaphore woken = new Semaphore(0);
        try (var _ = signals.onQueue(woken::release)) {
            submit();
            Awaitility.await().until(woken::tryAcquire);
        }
    }

    @Test
    void unknownJobsAreNotFound() {
        UUID nobody = UUID.randomUUID();
        assertThatProblem(ProblemCode.JOB_NOT_FOUND, () -> service.get(TENANT, nobody));
        assertThatProblem(ProblemCode.JOB_NOT_FOUND, () -> service.cancel(TENANT, nobody));
        assertThatProblem(ProblemCode.JOB_NOT_FOUND, () -> service.retry(TENANT, nobody));
        assertThatProblem(ProblemCode.JOB_NOT_FOUND, () -> service.events(TENANT, nobody, 0, PageLimit.of(null)));
    }

    private static void assertThatProblem(ProblemCode code, Runnable action) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(action::run)
                .satisfies(problem -> assertThat(problem.code()).isEqualTo(code));
    }

    private long count(String query) {
        return sql.sql(query).query(Long.class).single();
    }

    private static ObjectNode result(String text) {
        return JsonNodeFactory.instance.objectNode().put("text", text);
    }

    private static <T> List<T> onThreads(int count, Callable<T> work) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(Collections.nCopies(count, work))) {
                results.add(future.get(60, TimeUnit.SECONDS));
            }
            return results;
        }
    }
}
