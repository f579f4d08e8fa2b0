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
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.ContextConfiguration;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Steps run in the order of what they need, each once, and the pipeline is what they are. */
@ContextConfiguration(initializers = EmbeddedServices.class)
class PipelineTest extends JobsTest {

    private static final TenantId TENANT = TenantId.BUILT_IN;
    private static final Set<String> TYPES = Set.of("quantize", "evaluate", "convert");
    private static final WorkerIdentity WORKER = new WorkerIdentity(UUID.randomUUID(), "alice");
    private static final Failure WRONG = new Failure("scheme-unsuitable", FailureKind.USER, "not divisible");
    private static final Failure DOWN = new Failure("down", FailureKind.TRANSIENT, "down");

    @Autowired
    JobSpecReader reader;

    @Autowired
    JsonMapper json;

    @BeforeEach
    void startEmpty() {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, tenant_share")
                .update();
    }

    private static String quantize(String name, String... needs) {
        return step(
                name,
                "{'type':'quantize','source':'hub:a/model','scheme':'FP8_DYNAMIC','target':'a/" + name + "'}",
                needs);
    }

    private static String step(String name, String job, String... needs) {
        return "{'name':'" + name + "','needs':["
                + String.join(
                        ",",
                        List.of(needs).stream().map(need -> "'" + need + "'").toList()) + "],'job':" + job
                + "}";
    }

    private static String evaluate(String name, String of) {
        return step(
                name,
                "{'type':'evaluate','source':'step:" + of + "','tasks':[{'type':'generation','prompt':'x'}]}",
                of);
    }

    private UUID submit(String... steps) {
        return submitText("{'type':'pipeline','steps':[" + String.join(",", steps) + "]}");
    }

    private UUID submitText(String spec) {
        return service.submit(TENANT, reader.readStored(json.readTree(spec.replace('\'', '"'))), FoundPlans.NONE)
                .id();
    }

    private Claim claim() {
        return queue.claim(WORKER, TYPES).orElseThrow();
    }

    private JobView job(UUID id) {
        return service.get(TENANT, id);
    }

    private UUID stepId(UUID pipeline, String name) {
        return job(pipeline).steps().stream()
                .filter(step -> step.name().equals(name))
                .findFirst()
                .orElseThrow()
                .jobId();
    }

    private Map<String, JobStatus> statuses(UUID pipeline) {
        return job(pipeline).steps().stream().collect(Collectors.toMap(JobView.Step::name, JobView.Step::status));
    }

    private static ObjectNode artifact(String uri) {
        return JsonNodeFactory.instance.objectNode().put("uri", uri);
    }

    private static JobView.JobProblem problem(JobView job) {
        return Objects.requireNonNull(job.problem());
    }

    @Test
    void aStepStartsWhenWhatItNeedsHasSucceededAndReadsItsArtifact() {
        UUID id = submit(quantize("q"), evaluate("e", "q"));
        assertThat(job(id).status()).isEqualTo(JobStatus.QUEUED);
        assertThat(job(id).steps()).extracting(JobView.Step::name).containsExactly("q", "e");
        assertThat(job(stepId(id, "e")).waiting()).isEqualTo(new JobView.Waiting("needs", "waits for step q (QUEUED)"));
        assertThat(Objects.requireNonNull(job(id).waiting()).detail()).startsWith("step q: ");

        Claim first = claim();
        assertThat(first.lease().jobId()).isEqualTo(stepId(id, "q"));
        assertThat(job(id).status()).isEqualTo(JobStatus.RUNNING);
        assertThat(queue.claim(WORKER, TYPES)).isEmpty();
        queue.progress(first.lease(), 0.5);
        assertThat(job(id).progress()).isEqualTo(0.25);

        queue.complete(first.lease(), artifact("hub:a/q@" + "0".repeat(40)));
        Claim second = claim();
        assertThat(second.lease().jobId()).isEqualTo(stepId(id, "e"));
        assertThat(second.spec().sources()).hasToString("[hub:a/q@" + "0".repeat(40) + "]");
        queue.complete(second.lease(), JsonNodeFactory.instance.objectNode().put("score", 1));

        JobView done = job(id);
        assertThat(done.status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(done.progress()).isEqualTo(1);
        assertThat(Objects.requireNonNull(done.result()).at("/steps/e/score").intValue())
                .isEqualTo(1);
        assertThat(service.events(TENANT, id, 0, PageLimit.of(null)).items())
                .extracting(
                        event -> event.type() + " " + event.data().path("step").asString("")
                                + event.data().path("status").asString(""))
                .containsExactly(
                        "state QUEUED",
                        "state RUNNING",
                        "step qSUCCEEDED",
                        "step eQUEUED",
                        "step eSUCCEEDED",
                        "state SUCCEEDED");
        assertThat(job(stepId(id, "e")).parent()).isEqualTo(id);
    }

    @Test
    void aFailedStepLeavesOutWhatNeedsItAndTheOthersGoOn() {
        UUID id = submit(quantize("a"), quantize("b", "a"), quantize("c", "b"), quantize("d"));
        Claim a = claim();
        Claim d = claim();
        queue.fail(a.lease(), WRONG);

        assertThat(statuses(id))
                .isEqualTo(Map.of(
                        "a", JobStatus.FAILED,
                        "b", JobStatus.CANCELLED,
                        "c", JobStatus.CANCELLED,
                        "d", JobStatus.RUNNING));
        assertThat(problem(job(stepId(id, "c"))))
                .isEqualTo(new JobView.JobProblem("need-failed", "step b, which this one needs, ended as CANCELLED"));
        assertThat(job(id).status()).isEqualTo(JobStatus.RUNNING);

        queue.complete(d.lease(), artifact("hub:a/d"));
        assertThat(job(id).status()).isEqualTo(JobStatus.FAILED);
        assertThat(problem(job(id)))
                .isEqualTo(new JobView.JobProblem("step-failed", "step a failed: not divisible [scheme-unsuitable]"));
    }

    @Test
    void aRetryRunsAgainOnlyWhatDidNotSucceed() {
        UUID id = submit(quantize("a"), quantize("b"), evaluate("e", "b"));
        queue.complete(claim().lease(), artifact("hub:a/a"));
        queue.fail(claim().lease(), WRONG);
        assertThat(job(id).status()).isEqualTo(JobStatus.FAILED);
        assertThatProblem(ProblemCode.JOB_NOT_RETRYABLE, () -> service.retry(TENANT, stepId(id, "b")));

        assertThat(service.retry(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
        assertThatProblem(ProblemCode.JOB_NOT_RETRYABLE, () -> service.retry(TENANT, id));
        Claim again = claim();
        assertThat(again.lease()).isEqualTo(new Lease(stepId(id, "b"), 2));
        assertThat(job(id).attempt()).isEqualTo(2);
        queue.complete(again.lease(), artifact("hub:a/b@" + "1".repeat(40)));
        Claim last = claim();
        assertThat(last.spec().sources()).hasToString("[hub:a/b@" + "1".repeat(40) + "]");
        queue.complete(last.lease(), artifact(""));
        assertThat(job(id).status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(job(stepId(id, "a")).attempt()).isEqualTo(1);
    }

    @Test
    void cancellingThePipelineCancelsWhatHasNotEnded() {
        UUID id = submit(quantize("a"), quantize("b"), quantize("c", "a"));
        Claim a = claim();
        assertThat(service.cancel(TENANT, id).status()).isEqualTo(JobStatus.RUNNING);
        assertThat(statuses(id))
                .isEqualTo(Map.of("a", JobStatus.RUNNING, "b", JobStatus.CANCELLED, "c", JobStatus.CANCELLED));
        assertThat(queue.heartbeat(a.lease()).cancelRequested()).isTrue();

        queue.cancelled(a.lease());
        assertThat(job(id).status()).isEqualTo(JobStatus.CANCELLED);
        assertThat(job(id).problem()).isNull();
        assertThatProblem(ProblemCode.JOB_NOT_CANCELLABLE, () -> service.cancel(TENANT, id));
        service.retry(TENANT, id);
        assertThat(statuses(id).values()).containsOnly(JobStatus.QUEUED);
    }

    @Test
    void cancellingAStepLeavesOutWhatNeedsIt() {
        UUID id = submit(quantize("a"), quantize("b", "a"));
        service.cancel(TENANT, stepId(id, "a"));
        assertThat(job(id).status()).isEqualTo(JobStatus.CANCELLED);
        assertThat(problem(job(id))).isEqualTo(new JobView.JobProblem("step-cancelled", "step a was cancelled"));
    }

    @Test
    void aStepWhoseWorkersKeepDisappearingFailsThePipelineAsADeadLetter() {
        UUID id = submit(quantize("a"), quantize("b", "a"));
        for (int attempt = 1; attempt <= 3; attempt++) {
            claim();
            sql.sql("update job set lease_expires_at = now() - interval '1 s' where status = 'RUNNING'"
                            + " and lease_owner is not null")
                    .update();
            assertThat(queue.reclaimExpired()).isEqualTo(1);
        }
        assertThat(job(id).status()).isEqualTo(JobStatus.FAILED);
        assertThat(job(id).deadLetter()).isTrue();
        assertThat(statuses(id)).containsEntry("b", JobStatus.CANCELLED);
    }

    @Test
    void aDeadWorkersStepsGoBackToTheQueue() {
        UUID id = submit(quantize("a"));
        claim();
        assertThat(queue.reclaimFrom("alice")).isEqualTo(1);
        assertThat(statuses(id)).containsEntry("a", JobStatus.QUEUED);
        assertThat(job(id).status()).isEqualTo(JobStatus.RUNNING);
    }

    @Test
    void whatAnEarlierReleaseEndedIsCaughtUpWith() {
        UUID id = submit(quantize("a"), evaluate("e", "a"));
        Claim a = claim();
        sql.sql("update job set status = 'SUCCEEDED', finished_at = now(), lease_owner = null,"
                        + " lease_expires_at = null, result = '{\"uri\": \"hub:a/a\"}' where id = ?")
                .param(a.lease().jobId())
                .update();
        assertThat(queue.claim(WORKER, TYPES)).isEmpty();
        assertThat(queue.advancePipelines()).isEqualTo(1);
        assertThat(queue.advancePipelines()).isZero();
        assertThat(claim().lease().jobId()).isEqualTo(stepId(id, "e"));
    }

    @Test
    void aNeedWithoutAnArtifactLeavesOutWhoReadsIt() {
        UUID id = submit(quantize("a"), evaluate("e", "a"));
        queue.complete(claim().lease(), JsonNodeFactory.instance.objectNode());
        assertThat(problem(job(stepId(id, "e"))).code()).isEqualTo("need-failed");
        assertThat(job(id).status()).isEqualTo(JobStatus.CANCELLED);
    }

    @Test
    void aPipelineTakesNoneOfItsTenantsQuotaButItsStepsDo() {
        sql.sql("insert into tenant_share (tenant, max_running) values (?, 1)")
                .param(TENANT.value())
                .update();
        submit(quantize("a"), quantize("b"));
        Claim a = claim();
        assertThat(queue.claim(WORKER, TYPES)).isEmpty();
        queue.complete(a.lease(), artifact("hub:a/a"));
        claim();
    }

    @Test
    void theSameKeyAnswersWithTheSamePipeline() {
        var spec = reader.readStored(json.readTree("{'type':'pipeline','steps':[".replace('\'', '"')
                + quantize("a").replace('\'', '"') + "]}"));
        UUID first = service.submit(TENANT, spec, FoundPlans.NONE, "key").id();
        assertThat(service.submit(TENANT, spec, FoundPlans.NONE, "key").id()).isEqualTo(first);
        assertThat(count("select count(*) from job")).isEqualTo(2);
    }

    @Test
    void listsByLabelAndParentPageByPage() {
        String labelled = "{'type':'quantize','source':'hub:a/m','scheme':'FP8_DYNAMIC','target':'a/b','labels':%s}";
        List<UUID> mine = IntStream.range(0, 5)
                .mapToObj(i -> {
                    submitText(labelled.formatted("{'team':'other'}"));
                    return submitText(labelled.formatted("{'team':'search','run':'" + i % 2 + "'}"));
                })
                .toList();
        assertThat(listed(Map.of("team", "search"), Optional.empty())).containsExactlyElementsOf(mine.reversed());
        assertThat(listed(Map.of("team", "search", "run", "1"), Optional.empty()))
                .containsExactly(mine.get(3), mine.get(1));
        assertThat(listed(Map.of("team", "searc"), Optional.empty())).isEmpty();

        UUID pipeline = submitText(
                "{'type':'pipeline','labels':{'team':'x'},'steps':[" + quantize("a") + "," + quantize("b", "a") + "]}");
        assertThat(listed(Map.of(), Optional.of(pipeline)))
                .containsExactly(stepId(pipeline, "b"), stepId(pipeline, "a"));
        assertThat(listed(Map.of("team", "x"), Optional.empty())).hasSize(3);
    }

    private List<UUID> listed(Map<String, String> labels, Optional<UUID> parent) {
        var filter = new JobFilter(Optional.empty(), Optional.empty(), labels, parent);
        List<UUID> ids = new ArrayList<>();
        String next = "";
        while (next != null) {
            var page = service.list(TENANT, filter, new PageLimit(2), TimeCursor.parse(next));
            page.items().forEach(job -> ids.add(job.id()));
            next = page.nextCursor();
        }
        return ids;
    }

    @Test
    void manyWorkersReleaseAJoiningStepOnce() throws Exception {
        int width = 24;
        List<String> steps = new ArrayList<>();
        String[] names = IntStream.range(0, width).mapToObj(i -> "s" + i).toArray(String[]::new);
        for (String name : names) {
            steps.add(quantize(name));
        }
        steps.add(quantize("join", names));
        UUID id = submit(steps.toArray(String[]::new));
        ConcurrentLinkedQueue<UUID> claimed = new ConcurrentLinkedQueue<>();

        onThreads(8, () -> {
            WorkerIdentity me =
                    new WorkerIdentity(UUID.randomUUID(), Thread.currentThread().getName());
            while (!job(id).status().isTerminal()) {
                queue.claim(me, TYPES).ifPresent(claim -> {
                    claimed.add(claim.lease().jobId());
                    queue.complete(claim.lease(), artifact("hub:a/b"));
                });
            }
            return null;
        });

        assertThat(job(id).status()).isEqualTo(JobStatus.SUCCEEDED);
        assertThat(claimed).hasSize(width + 1).doesNotHaveDuplicates();
        assertThat(count("select count(*) from job_event where type = 'step' and data ->> 'step' = 'join'"))
                .isEqualTo(2); // released once, ended once
    }

    @Test
    void cancellationsMeetCompletionsWithoutADeadlock() throws Exception {
        for (int round = 0; round < 15; round++) {
            UUID id = submit(quantize("a"), quantize("b"), quantize("c", "a", "b"), quantize("d", "c"));
            List<Claim> running = List.of(claim(), claim());
            ConcurrentLinkedQueue<Claim> work = new ConcurrentLinkedQueue<>(running);
            onThreads(4, () -> {
                Claim mine = work.poll();
                if (mine != null) {
                    queue.complete(mine.lease(), artifact("hub:a/b"));
                } else {
                    try {
                        service.cancel(TENANT, id);
                    } catch (ProblemException e) {
                        assertThat(e.code()).isEqualTo(ProblemCode.JOB_NOT_CANCELLABLE);
                    }
                }
                return null;
            });
            assertThat(job(id).status()).isEqualTo(JobStatus.CANCELLED);
            assertThat(statuses(id)).containsEntry("a", JobStatus.SUCCEEDED).containsEntry("d", JobStatus.CANCELLED);
        }
    }

    /** Random graphs and random commands; after each, pipeline and steps must be what the rules say of each other. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6})
    void whateverHappensAPipelineIsWhatItsStepsAre(long seed) {
        Random random = new Random(seed);
        UUID id = submit(IntStream.range(0, 7)
                .mapToObj(i -> quantize(
                        "s" + i,
                        IntStream.range(0, i)
                                .filter(need -> random.nextInt(3) == 0)
                                .mapToObj(need -> "s" + need)
                                .toArray(String[]::new)))
                .toArray(String[]::new));
        List<Claim> held = new ArrayList<>();
        List<String> history = new ArrayList<>();
        for (int i = 0; i < 120; i++) {
            history.add(act(random, id, held));
            requireConsistent(id, "seed " + seed + ", " + history);
        }
    }

    private String act(Random random, UUID id, List<Claim> held) {
        int what = random.nextInt(20);
        try {
            if (what < 8 || (held.isEmpty() && what < 16)) {
                queue.claim(WORKER, TYPES).ifPresent(held::add);
                return "claim";
            } else if (what < 16) {
                Lease lease = held.remove(random.nextInt(held.size())).lease();
                switch (what) {
                    case 8, 9, 10, 11 -> queue.complete(lease, artifact("hub:a/b"));
                    case 12 -> queue.fail(lease, WRONG);
                    case 13 -> queue.fail(lease, DOWN);
                    case 14 -> queue.release(lease);
                    default -> {
                        sql.sql("update job set lease_expires_at = now() - interval '1 s' where id = ? and"
                                        + " status = 'RUNNING'")
                                .param(lease.jobId())
                                .update();
                        queue.reclaimExpired();
                    }
                }
                return "end " + what;
            } else if (what < 18) {
                service.retry(TENANT, id);
                return "retry";
            } else if (what == 18) {
                service.cancel(TENANT, id);
                return "cancel";
            }
            List<JobView.Step> steps = job(id).steps();
            service.cancel(TENANT, steps.get(random.nextInt(steps.size())).jobId());
            return "cancel step";
        } catch (ProblemException | LeaseLostException e) {
            return "refused";
        } finally {
            sql.sql("update job set available_at = now() where status = 'QUEUED' and lane >= 0")
                    .update(); // nobody rests here
        }
    }

    private void requireConsistent(UUID id, String history) {
        JobView pipeline = job(id);
        Map<String, JobStatus> status = statuses(id);
        Set<UUID> blocked = Set.copyOf(
                sql.sql("select id from job where lane = -1 and parent is not null" + " and status = 'QUEUED'")
                        .query(UUID.class)
                        .list());
        for (JobView.Step step : pipeline.steps()) {
            List<JobStatus> needs = step.needs().stream().map(status::get).toList();
            boolean met = needs.stream().allMatch(JobStatus.SUCCEEDED::equals);
            boolean lost = needs.stream().anyMatch(need -> need.isTerminal() && need != JobStatus.SUCCEEDED);
            switch (step.status()) {
                case RUNNING, SUCCEEDED, FAILED ->
                    assertThat(met)
                            .as("%s ran before its needs; %s", step.name(), history)
                            .isTrue();
                case QUEUED -> {
                    assertThat(lost)
                            .as("%s waits in vain; %s", step.name(), history)
                            .isFalse();
                    assertThat(blocked.contains(step.jobId()))
                            .as("%s is ready when its needs are met; %s", step.name(), history)
                            .isEqualTo(!met);
                }
                case CANCELLED -> {}
            }
        }
        assertThat(pipeline.status().isTerminal())
                .as("ended with its steps; %s", history)
                .isEqualTo(status.values().stream().allMatch(JobStatus::isTerminal));
        assertThat(pipeline.status() == JobStatus.SUCCEEDED)
                .as("succeeded as its steps; %s", history)
                .isEqualTo(status.values().stream().allMatch(JobStatus.SUCCEEDED::equals));
        if (status.containsValue(JobStatus.RUNNING)) {
            assertThat(pipeline.status()).as("runs; %s", history).isEqualTo(JobStatus.RUNNING);
        }
    }

    private long count(String query) {
        return sql.sql(query).query(Long.class).single();
    }

    private static void assertThatProblem(ProblemCode code, Runnable action) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(action::run)
                .satisfies(problem -> assertThat(problem.code()).isEqualTo(code));
    }

    private static <T> void onThreads(int count, Callable<T> work) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(count)) {
            List<Future<T>> futures = IntStream.range(0, count)
                    .mapToObj(i -> threads.submit(work))
                    .toList();
            for (Future<T> future : futures) {
                future.get(60, TimeUnit.SECONDS);
            }
        }
    }
}
