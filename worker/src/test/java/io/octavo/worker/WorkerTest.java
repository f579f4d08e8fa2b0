package io.octavo.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Metrics;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.JobMonitor;
import io.octavo.hub.RepositoryName;
import io.octavo.jobs.artifact.ArtifactComparison;
import io.octavo.jobs.artifact.ArtifactRecord;
import io.octavo.jobs.artifact.ArtifactService;
import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.ObjectStore;
import io.octavo.jobs.page.PageLimit;
import io.octavo.jobs.page.SearchText;
import io.octavo.jobs.page.TimeCursor;
import io.octavo.jobs.queue.FoundPlans;
import io.octavo.jobs.queue.JobQueue;
import io.octavo.jobs.spec.SourceUri;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.wire.EventRecord;
import io.octavo.wire.JobStatus;
import io.octavo.wire.JobView;
import io.octavo.wire.PlanSummary;
import io.octavo.wire.RepositoryFile;
import io.octavo.worker.claim.ProcessEnd;
import io.octavo.worker.metrics.MetricsEndpoint;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import tools.jackson.databind.JsonNode;

/** Jobs through all that a worker does for them, whatever becomes of it, its database and its storage. */
@Timeout(120)
@SpringBootTest(
        classes = RunningWorker.Application.class,
        properties = {
            "octavo.queue.transient-backoff=50ms",
            "octavo.queue.resource-backoff=50ms",
            "octavo.queue.max-attempts=4",
            "octavo.queue.lease=2s",
            "octavo.worker.heartbeat=100ms",
            "octavo.worker.poll=200ms",
            "octavo.worker.metrics.port=0",
            "octavo.worker.stop-timeout=5s",
            "octavo.storage.connect-timeout=1s",
            "octavo.storage.read-timeout=5s",
            "octavo.storage.part-size=5MB"
        })
class WorkerTest extends RunningWorker {

    @TempDir
    static Path folder;

    @DynamicPropertySource
    static void services(DynamicPropertyRegistry registry) {
        EmbeddedServices.register(registry);
        registry.add("octavo.worker.work-directory", () -> folder.resolve("work"));
        registry.add(
                "octavo.worker.allowed-folders", () -> folder.resolve("allowed").toString());
        registry.add("octavo.sources.buckets[0].uri", () -> "s3://models");
        registry.add("octavo.sources.buckets[1].uri", () -> "s3://no-such-bucket");
        registry.add("octavo.sources.buckets[2].uri", () -> "s3://octavo");
    }

    @Autowired
    MetricsEndpoint metrics;

    @Autowired
    JobQueue queue;

    @Autowired
    ArtifactService artifacts;

    @Autowired
    ObjectStore objects;

    private static int seed = 7;

    /** Two parts of an upload. */
    private final byte[] weights = new byte[8 << 20];

    @BeforeAll
    static void makeFolder() throws IOException {
        Files.createDirectories(folder.resolve("allowed/model"));
    }

    @BeforeEach
    void pushModel() {
        engine.reset();
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation")
                .update();
        new Random(seed++).nextBytes(weights); // new bytes each time, so that they are not stored already
        push("octavo/model", file("model.safetensors", weights), file("original", bytes("yes")));
    }

    @AfterEach
    void everythingIsUp() {
        EmbeddedServices.s3().start();
        worker.start();
    }

    @Test
    void doesNotPlanAgainWhatWasPlannedOfTheSameRevision() {
        engine.extraOutputBytes = Long.MAX_VALUE / 2; // what it would plan has no room anywhere
        String spec = "{'type':'quantize','source':'hub:octavo/model','scheme':'FP8_DYNAMIC','target':'octavo/out'}";
        String head = repositories
                .revision(TENANT, RepositoryName.parse("octavo/model"), "main")
                .id();
        await(submit(spec, head), JobStatus.SUCCEEDED);
        JobView job = jobs.get(TENANT, submit(spec.replace("/out'", "/other','reuse':false"), "0".repeat(40)));
        Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> jobs.get(TENANT, job.id()).problem() != null);
        assertThat(problemOf(jobs.get(TENANT, job.id())).code()).isEqualTo("disk-full");
    }

    /** @param revision that was planned */
    private UUID submit(String spec, String revision) {
        var plan = new PlanSummary(revision, "W8A8-FP8-dynamic", 8.5, 1, 1, new PlanSummary.Resources(0, 0, 0, 0));
        return jobs.submit(
                        TENANT,
                        reader.read(json.readTree(spec.replace('\'', '"'))),
                        new FoundPlans(new FoundPlans.Found(plan, null), Map.of()))
                .id();
    }

    private UUID quantize(String source) {
        return submit("{'type':'quantize','source':'" + source + "','scheme':'FP8_DYNAMIC','target':'octavo/out'}");
    }

    private JobView await(UUID id, JobStatus status) {
        Awaitility.await().atMost(Duration.ofSeconds(60)).until(() -> {
            JobStatus now = jobs.get(TENANT, id).status();
            assertThat(now.isTerminal() && now != status)
                    .as("%s", jobs.get(TENANT, id).problem())
                    .isFalse();
            return now == status;
        });
        return jobs.get(TENANT, id);
    }

    private JsonNode resultOf(UUID id) {
        return Objects.requireNonNull(await(id, JobStatus.SUCCEEDED).result());
    }

    private static JobView.JobProblem problemOf(JobView job) {
        return Objects.requireNonNull(job.problem());
    }

    private ArtifactRecord onlyArtifact() {
        assertThat(artifacts
                        .list(TENANT, SearchText.of(null), PageLimit.of(null), TimeCursor.parse(null))
                        .items())
                .hasSize(1);
        return artifacts
                .list(TENANT, SearchText.of(null), PageLimit.of(null), TimeCursor.parse(null))
                .items()
                .getFirst();
    }

    private String logOf(UUID id) {
        return String.join(
                "\n",
                jobs.events(TENANT, id, 0, new PageLimit(500)).items().stream()
                        .map(event -> event.type() + " " + event.data())
                        .toList());
    }

    private void assertNothingLeftOnDisk() {
        Awaitility.await().until(() -> {
            try (Stream<Path> left = Files.list(folder.resolve("work/jobs"))) {
                return left.findAny().isEmpty();
            }
        });
    }

    @Test
    void quantizesARepositoryIntoARevisionAnArtifactAndAResult() throws IOException {
        UUID id = quantize("hub:octavo/model");

        JsonNode result = resultOf(id);

        ArtifactRecord artifact = onlyArtifact();
        assertThat(result.get("artifactId").stringValue())
                .isEqualTo(artifact.id().toString());
        assertThat(result.get("uri").stringValue()).isEqualTo("hub:octavo/out@" + artifact.revision());
        assertThat(result.propertyNames())
                .containsExactlyInAnyOrder(
                        "artifactId",
                        "label",
                        "weightBits",
                        "inputBytes",
                        "outputBytes",
                        "quantizedModules",
                        "seconds",
                        "peakRssBytes",
                        "repository",
                        "revision",
                        "uri");
        assertThat(result.get("peakRssBytes").longValue()).isPositive();
        assertThat(artifact.lineage().source()).isEqualTo("hub:octavo/model");
        assertThat(artifact.lineage().sourceRevision())
                .isEqualTo(repositories
                        .revision(TENANT, RepositoryName.parse("octavo/model"), "main")
                        .id());
        assertThat(artifact.files()).extracting(RepositoryFile::path).containsExactly("model.safetensors", "original");
        byte[] stored = blobs.open(BlobId.of(artifact.files().getFirst())).readAllBytes();
        assertThat(stored).hasSize(weights.length);
        assertThat(stored[0]).isEqualTo(weights[weights.length - 1]);
        assertThat(json.readTree(blobs.open(artifacts.report(TENANT, artifact.id())))
                        .get("passed")
                        .booleanValue())
                .isTrue();
        assertThat(logOf(id)).contains("phase {\"phase\":\"quantize\"}", "progress {\"progress\":");
        assertNothingLeftOnDisk();
    }

    @Test
    void convertsARepositoryIntoAnArtifactOfAnotherLayout() {
        UUID id = submit("{'type':'convert','source':'hub:octavo/model','layout':'awq','target':'octavo/out'}");
        JsonNode result = resultOf(id);
        assertThat(result.path("sourceLayout").asString()).isEqualTo("gptq");
        assertThat(result.path("convertedModules").asInt()).isEqualTo(3);
        ArtifactRecord artifact = onlyArtifact();
        assertThat(artifact.lineage().layout()).isEqualTo("awq");
        assertThat(artifact.lineage().scheme()).isEqualTo("convert");
        assertThat(artifact.executesAs()).hasSize(7);
        assertThat(artifact.executesAs().getFirst().runsAs()).isEqualTo("W8A16");
        assertThat(artifact.warnings()).isNotEmpty();
        assertNothingLeftOnDisk();
    }

    @Test
    void evaluatesBesideABaselineAndShowsItWithTheArtifact() {
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        push("octavo/data", file("text.txt", bytes("one\ntwo\n")), file("cloze.jsonl", bytes("{}\n{}\n{}\n")));

        UUID id = submit("{'type':'evaluate','source':'hub:octavo/model','baseline':'hub:octavo/out','tasks':["
                + "{'type':'perplexity','name':'books','dataset':'hub:octavo/data#text.txt','windowTokens':4},"
                + "{'type':'multiple-choice','name':'cloze','dataset':'hub:octavo/data#cloze.jsonl','maxItems':3},"
                + "{'type':'divergence','name':'distance','dataset':'hub:octavo/data#text.txt','maxWindows':9},"
                + "{'type':'generation','name':'sample','prompt':'Once','maxTokens':4}]}");
        JsonNode result = resultOf(id);

        assertThat(result.at("/source/tasks/0/windows").intValue()).isEqualTo(2);
        assertThat(result.at("/source/tasks/1/items").intValue()).isEqualTo(3);
        assertThat(result.at("/source/tasks/2/divergence").isNumber()).isTrue();
        assertThat(result.at("/source/tasks/3/text").stringValue()).isEqualTo("text");
        assertThat(result.at("/baseline/tasks").size()).isEqualTo(3);
        assertThat(result.path("comparison")
                        .valueStream()
                        .map(entry -> entry.path("task").stringValue() + " "
                                + entry.path("metric").stringValue()))
                .containsExactly(
                        "books perplexity.ratio",
                        "books recovery",
                        "cloze accuracy.difference",
                        "cloze recovery",
                        "distance divergence.mean",
                        "distance divergence.p99",
                        "distance divergence.agreement");
        assertThat(result.path("recovery").doubleValue()).isEqualTo(2); // 0.5 of a baseline's 0.25
        assertThat(result.at("/lmEval/results/cloze/acc,none").doubleValue()).isEqualTo(0.5);
        assertThat(logOf(id)).contains("metric {");

        await(
                submit("{'type':'evaluate','source':'hub:octavo/out','tasks':["
                        + "{'type':'generation','name':'sample','prompt':'Once'}]}"),
                JobStatus.SUCCEEDED);
        assertThat(onlyArtifact().evaluations()).hasSize(1);
    }

    @Test
    void theVerdictOfSmokeInferenceStaysWithTheArtifactAndCanBeAGate() {
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        assertThat(onlyArtifact().smokePassed()).isNull();
        String job = "{'type':'evaluate','source':'hub:octavo/out','baseline':'hub:octavo/model',"
                + "'tasks':[{'type':'smoke'}],'gates':[{'metric':'smoke','%s':1}]}";
        JsonNode result = resultOf(submit(job.formatted("max")));
        assertThat(result.at("/source/tasks/0/passed").asBoolean(true)).isFalse();
        assertThat(result.at("/source/tasks/0/checks/0/name").asString()).isEqualTo("finite");
        assertThat(result.at("/source/tasks/0/texts/0/baseline").asString()).isEqualTo("men");
        assertThat(result.path("baseline").isNull()).isTrue();
        assertThat(onlyArtifact().smokePassed()).isFalse();

        assertThat(problemOf(await(submit(job.formatted("min")), JobStatus.FAILED))
                        .code())
                .isEqualTo("gate-failed");
    }

    @Test
    void artifactsTellWhatTheyKeptAndAreComparedBySource() {
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        assertThat(onlyArtifact().recovery()).isNull();
        push("octavo/data", file("text.txt", bytes("one\n")), file("cloze.jsonl", bytes("{}\n")));
        String tasks = "'tasks':[{'type':'multiple-choice','name':'cloze','dataset':'hub:octavo/data#cloze.jsonl'}]}";
        await(
                submit("{'type':'evaluate','source':'hub:octavo/out','baseline':'hub:octavo/model'," + tasks),
                JobStatus.SUCCEEDED);
        await(submit("{'type':'evaluate','source':'hub:octavo/out'," + tasks), JobStatus.SUCCEEDED);

        assertThat(onlyArtifact().recovery()).isEqualTo(0.5); // 0.25 of a baseline's 0.5
        assertThat(onlyArtifact().evaluations().getFirst().result().has("lmEval"))
                .isFalse();
        ArtifactComparison compared = artifacts.comparison(TENANT, SourceUri.parse("hub:octavo/model"));
        assertThat(compared.artifacts()).hasSize(1);
        ArtifactComparison.Entry entry = compared.artifacts().getFirst();
        assertThat(entry.id()).isEqualTo(onlyArtifact().id());
        assertThat(entry.recovery()).isEqualTo(0.5);
        assertThat(entry.scores()).containsExactly(new ArtifactComparison.Score("cloze", "accuracy", 0.25, null));
        assertThat(artifacts
                        .comparison(TENANT, SourceUri.parse("hub:octavo/mode"))
                        .artifacts())
                .isEmpty();
    }

    @Test
    void fetchesAllOfAFolderOfMmlu() {
        repositories.commit(
                TENANT,
                RepositoryName.parse("octavo/mmlu"),
                "push",
                List.of(
                        file("data/test/virology_test.csv", bytes("Q,a,b,c,d,A\n")),
                        file("data/dev/virology_dev.csv", bytes("E,a,b,c,d,B\n")),
                        file("other/virology_test.csv", bytes("Q,a,b,c,d,A\n")),
                        file("data/notes.txt", bytes("notes"))));
        String task = "{'type':'multiple-choice','name':'mmlu','format':'mmlu-csv','dataset':'hub:octavo/mmlu#";
        JsonNode result =
                resultOf(submit("{'type':'evaluate','source':'hub:octavo/model','tasks':[" + task + "data'}]}"));
        assertThat(result.at("/source/tasks/0/items").intValue()).isEqualTo(2);

        UUID empty = submit("{'type':'evaluate','source':'hub:octavo/model','tasks':[" + task + "nothing'}]}");
        assertThat(problemOf(await(empty, JobStatus.FAILED)).code()).isEqualTo("source-not-found");
    }

    @Test
    void measuresABaselineAndWhatWasMadeOfItUnderTheSameLoad() {
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        JsonNode result = resultOf(submit("{'type':'benchmark','source':'hub:octavo/out','baseline':'hub:octavo/model',"
                + "'requests':10,'inputTokens':{'type':'fixed','tokens':640},"
                + "'outputTokens':{'type':'uniform','min':5,'max':10},'requestsPerSecond':3,'seed':7}"));
        assertThat(result.at("/baseline/label").stringValue()).isEqualTo("BF16");
        assertThat(result.at("/source/requestsPerSecond").doubleValue()).isEqualTo(10);
        assertThat(result.at("/ratio/requestsPerSecond").doubleValue()).isEqualTo(2);
        assertThat(result.at("/load/outputTokens/max").intValue()).isEqualTo(10);
        assertThat(result.at("/load/requestsPerSecond").doubleValue()).isEqualTo(3);
        assertNothingLeftOnDisk();
    }

    @ParameterizedTest
    @CsvSource({
        "hub:octavo/nothing, source-not-found",
        "hub:octavo/model@0123456789012345678901234567890123456789, source-not-found",
        "s3://no-such-bucket/model, bucket-not-found",
        "s3://models/nothing, object-not-found",
        "s3://octavo/blobs, source-not-allowed",
        "s3://others/model, source-not-allowed",
        "file:/etc, source-not-allowed",
        "file:/does/not/exist, source-not-allowed"
    })
    void saysWhatIsWrongWithASource(String source, String code) {
        objects.ensureBucketSoon("models");
        JobView job = await(quantize(source), JobStatus.FAILED);
        assertThat(problemOf(job).code()).isEqualTo(code);
        assertThat(job.attempt()).isEqualTo(1);
        assertNothingLeftOnDisk();
    }

    @Test
    void readsABucket() {
        objects.ensureBucketSoon("models");
        objects.put("models", "some/model/model.safetensors", new ByteArrayInputStream(weights), weights.length);
        objects.put("models", "some/model/sub/config.json", new ByteArrayInputStream(bytes("{}")), 2);

        await(quantize("s3://models/some/model/"), JobStatus.SUCCEEDED);

        ArtifactRecord artifact = onlyArtifact();
        assertThat(artifact.files())
                .extracting(RepositoryFile::path)
                .containsExactly("model.safetensors", "sub/config.json");
        assertThat(artifact.lineage().sourceRevision()).startsWith("sha256:");
    }

    @Test
    void readsAnAllowedFolderButNoLinkOutOfIt() throws IOException {
        Path model = folder.resolve("allowed/model");
        Files.writeString(model.resolve("config.json"), "{}");
        await(quantize("file:" + model), JobStatus.SUCCEEDED);

        Path secret = Files.writeString(folder.resolve("secret"), "secret");
        Path link = Files.createSymbolicLink(model.resolve("link"), secret);
        try {
            JobView job = await(quantize("file:" + model), JobStatus.FAILED);
            assertThat(problemOf(job).code()).isEqualTo("source-not-allowed");
        } finally {
            Files.delete(link);
        }
    }

    @Test
    void anEngineFailureKeepsItsCodeAndHidesPaths() {
        engine.interlude = (request, monitor) -> {
            throw new QuantizationException(
                    ErrorCode.ALREADY_QUANTIZED, request.source().resolve("config.json") + " is quantized");
        };
        JobView job = await(quantize("hub:octavo/model"), JobStatus.FAILED);
        assertThat(job.problem())
                .isEqualTo(new JobView.JobProblem("already-quantized", "source/config.json is quantized"));
    }

    @Test
    void aFullDiskIsTriedAgainUntilItIsNot() {
        CountDownLatch failures = new CountDownLatch(2);
        engine.interlude = (request, monitor) -> {
            if (failures.getCount() > 0) {
                failures.countDown();
                throw new QuantizationException(ErrorCode.DISK_FULL, "no space left on device");
            }
        };
        UUID id = quantize("hub:octavo/model");
        assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isEqualTo(3);
        assertThat(logOf(id)).contains("\"code\":\"disk-full\"");
        onlyArtifact();
    }

    @Test
    void refusesAJobThatItsDiskHasNoRoomForBeforeFetchingIt() {
        engine.extraOutputBytes = 1L << 60;
        JobView job = await(quantize("hub:octavo/model"), JobStatus.FAILED);
        assertThat(problemOf(job).code()).isEqualTo("disk-full");
        assertThat(problemOf(job).detail()).contains("the job needs 1152921504");
        assertThat(engine.begun.availablePermits()).isZero();
        assertNothingLeftOnDisk();
    }

    @Test
    void aFullDiskThatStaysFailsTheJob() {
        engine.interlude = (request, monitor) -> {
            throw new UncheckedIOException(new IOException(request.target() + ": No space left on device"));
        };
        JobView job = await(quantize("hub:octavo/model"), JobStatus.FAILED);
        assertThat(job.problem())
                .isEqualTo(new JobView.JobProblem(
                        "disk-full", "the worker's disk is full (attempt 4 was the last one allowed)"));
        assertNothingLeftOnDisk();
    }

    @Test
    void aLostDeviceEndsTheProcessAndAnotherOneDoesTheJob() throws InterruptedException {
        engine.interlude = (request, monitor) -> {
            throw new QuantizationException(ErrorCode.DEVICE_FAULT, "the context is poisoned");
        };
        UUID id = quantize("hub:octavo/model");
        assertThat(recordedEnd.exitCodes.poll(30, TimeUnit.SECONDS)).isEqualTo(ProcessEnd.DEVICE_FAULT);
        assertThat(logOf(id)).contains("device-fault");
        assertThat(jobs.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);

        engine.reset();
        worker.stop();
        worker.start();
        assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isEqualTo(2);
        assertThat(recordedEnd.exitCodes).isEmpty();
    }

    @Test
    void aDefectFailsAtOnceAndTellsNoDetails() {
        engine.interlude = (request, monitor) -> {
            throw new IllegalStateException("secret detail");
        };
        JobView job = await(quantize("hub:octavo/model"), JobStatus.FAILED);
        assertThat(problemOf(job).code()).isEqualTo("internal");
        assertThat(problemOf(job).detail()).doesNotContain("secret");
        assertThat(job.attempt()).isEqualTo(1);
    }

    @Test
    void storageThatGoesDownBeforeTheUploadAndComesBackCostsAnAttemptOnly() {
        engine.interlude = (request, monitor) -> EmbeddedServices.s3().stop();
        UUID id = quantize("hub:octavo/model");

        Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> logOf(id).contains("storage-unavailable"));
        engine.reset();
        EmbeddedServices.s3().start();

        assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isGreaterThan(1);
        assertThat(onlyArtifact().files()).hasSize(2);
        assertNothingLeftOnDisk();
    }

    /** Of bytes that are not stored yet, or else nothing would be uploaded. */
    private static SlowOutput slowOutput() throws IOException, InterruptedException {
        byte[] content = new byte[8 << 20];
        new Random(seed++).nextBytes(content);
        return new SlowOutput(folder.resolve("pipe"), content);
    }

    @Test
    void storageThatDiesInTheMiddleOfTheUploadCostsAnAttemptOnly() throws Exception {
        try (SlowOutput output = slowOutput()) {
            engine.interlude = (request, monitor) -> engine.instead = output.file(request.target());
            UUID id = quantize("hub:octavo/model");
            output.awaitFirstHalf();
            assertThat(logOf(id)).contains("phase {\"phase\":\"upload\"}");
            EmbeddedServices.s3().stop();
            engine.reset();
            output.finish();

            Awaitility.await()
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> logOf(id).contains("storage-unavailable"));
            EmbeddedServices.s3().start();
            assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isGreaterThan(1);
        }
        assertThat(onlyArtifact().files()).hasSize(2);
        assertNothingLeftOnDisk();
    }

    @Test
    void aWorkerThatIsLostInTheMiddleOfTheUploadLeavesNoTrace() throws Exception {
        UUID id;
        try (SlowOutput output = slowOutput()) {
            engine.interlude = (request, monitor) -> engine.instead = output.file(request.target());
            id = quantize("hub:octavo/model");
            output.awaitFirstHalf();
            overtake();
            engine.reset();
            output.finish();

            assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isEqualTo(2);
        }
        assertThat(logOf(id)).contains("worker-lost");
        assertThat(onlyArtifact().files()).hasSize(2);
        assertNothingLeftOnDisk();
    }

    @Test
    void aRunningJobStopsWithinASecondOfItsCancellation() {
        engine.interlude = (request, monitor) -> spinUntilStopped(monitor);
        UUID id = quantize("hub:octavo/model");
        engine.begun.acquireUninterruptibly();

        long asked = System.nanoTime();
        jobs.cancel(TENANT, id);
        await(id, JobStatus.CANCELLED);

        assertThat(Duration.ofNanos(System.nanoTime() - asked)).isLessThan(Duration.ofSeconds(1));
        assertThat(artifacts
                        .list(TENANT, SearchText.of(null), PageLimit.of(null), TimeCursor.parse(null))
                        .items())
                .isEmpty();
        assertNothingLeftOnDisk();

        engine.reset();
        jobs.retry(TENANT, id);
        await(id, JobStatus.SUCCEEDED);
    }

    @Test
    void aPhaseThatTakesTooLongEndsAndIsTriedAgain() {
        engine.interlude = (request, monitor) -> {
            engine.reset();
            spinUntilStopped(monitor);
        };
        UUID id = submit("""
                {"type": "quantize", "source": "hub:octavo/model", "scheme": "FP8_DYNAMIC",
                 "target": "octavo/output", "phaseTimeout": "PT1S"}
                """);
        assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isEqualTo(2);
        assertThat(logOf(id)).contains("phase quantize was not done within the timeout of PT1S");
    }

    @Test
    void aJobThatTakesTooLongFailsForGood() {
        engine.interlude = (request, monitor) -> spinUntilStopped(monitor);
        UUID id = submit("""
                {"type": "quantize", "source": "hub:octavo/model", "scheme": "FP8_DYNAMIC",
                 "target": "octavo/output", "timeout": "PT1S"}
                """);
        JobView job = await(id, JobStatus.FAILED);
        assertThat(problemOf(job).code()).isEqualTo("job-timed-out");
        assertThat(problemOf(job).detail()).startsWith("the job was not done within its timeout of PT1S");
        assertThat(job.deadLetter()).isFalse();
        assertNothingLeftOnDisk();
    }

    @Test
    void aCancelledJobEndsThoughItsWorkHangs() {
        CountDownLatch hanging = new CountDownLatch(1);
        engine.interlude = (request, monitor) -> awaitQuietly(hanging);
        UUID id = quantize("hub:octavo/model");
        engine.begun.acquireUninterruptibly();

        jobs.cancel(TENANT, id);
        await(id, JobStatus.CANCELLED);
        engine.reset();
        UUID next = quantize("hub:octavo/model");
        assertThat(jobs.get(TENANT, next).status()).isEqualTo(JobStatus.QUEUED);
        hanging.countDown();

        await(next, JobStatus.SUCCEEDED);
        assertThat(jobs.get(TENANT, id).status()).isEqualTo(JobStatus.CANCELLED);
        onlyArtifact();
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void spinUntilStopped(JobMonitor monitor) {
        while (true) {
            monitor.checkpoint();
            Thread.onSpinWait();
        }
    }

    @Test
    void anIdleWorkerWarmsUpAndAJobInterruptsThat() throws InterruptedException {
        worker.stop();
        var warmingUp = new Semaphore(0);
        engine.warmingUp = monitor -> {
            warmingUp.release();
            spinUntilStopped(monitor);
        };
        worker.start();
        assertThat(warmingUp.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        // What was cut short is begun again when nothing is left to do.
        assertThat(warmingUp.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
        engine.reset();
        worker.stop();
    }

    @Test
    void showsItsMetersToPrometheus() throws Exception {
        await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
        String address = "http://127.0.0.1:" + metrics.port();
        try (HttpClient client = HttpClient.newHttpClient()) {
            HttpResponse<String> answer = client.send(
                    HttpRequest.newBuilder(URI.create(address + "/metrics")).build(), BodyHandlers.ofString());
            assertThat(answer.statusCode()).isEqualTo(200);
            assertThat(answer.headers().firstValue("Content-Type"))
                    .hasValueSatisfying(type -> assertThat(type).startsWith("text/plain"));
            assertThat(answer.body())
                    .contains("octavo_attempts_total{", "octavo_phase_seconds_count{", "octavo_bytes_total{");
        }
    }

    @Test
    void aWarmUpThatFailsCostsNoJobAndIsNotTriedAgain() throws InterruptedException {
        for (RuntimeException failure : List.of(
                new QuantizationException(ErrorCode.DISK_FULL, "no room"), new IllegalStateException("a defect"))) {
            worker.stop();
            var warmingUp = new Semaphore(0);
            engine.warmingUp = monitor -> {
                warmingUp.release();
                throw failure;
            };
            worker.start();
            assertThat(warmingUp.tryAcquire(60, TimeUnit.SECONDS)).isTrue();
            await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
            await(
                    submit("{'type':'quantize','source':'hub:octavo/model','scheme':'FP8_DYNAMIC',"
                            + "'target':'octavo/out','reuse':false}"),
                    JobStatus.SUCCEEDED);
            worker.stop();
            assertThat(warmingUp.availablePermits()).isZero();
        }
    }

    @Test
    void aDeviceThatIsLostWhileWarmingUpEndsTheProcess() throws InterruptedException {
        worker.stop();
        engine.warmingUp = monitor -> {
            throw new QuantizationException(ErrorCode.DEVICE_FAULT, "illegal address");
        };
        worker.start();
        assertThat(recordedEnd.exitCodes.poll(60, TimeUnit.SECONDS)).isEqualTo(ProcessEnd.DEVICE_FAULT);
        engine.reset();
        worker.stop();
    }

    @Test
    void aStoppingWorkerHandsItsJobBack() {
        engine.interlude = (request, monitor) -> spinUntilStopped(monitor);
        UUID id = quantize("hub:octavo/model");
        engine.begun.acquireUninterruptibly();

        worker.stop();

        assertThat(jobs.get(TENANT, id).status()).isEqualTo(JobStatus.QUEUED);
        engine.reset();
        worker.start();
        assertThat(await(id, JobStatus.SUCCEEDED).attempt()).isEqualTo(2);
    }

    @Test
    void aWorkerThatFreezesPastItsLeaseLeavesNoTraceAndAnotherAttemptFinishes() {
        engine.interlude = (request, monitor) -> {
            if (engine.begun.availablePermits() == 1) {
                overtake();
            }
        };
        UUID id = quantize("hub:octavo/model");

        JobView job = await(id, JobStatus.SUCCEEDED);

        assertThat(job.attempt()).isEqualTo(2);
        onlyArtifact();
        assertThat(logOf(id)).contains("worker-lost");
        assertThat(jobs.events(TENANT, id, 0, new PageLimit(500)).items())
                .filteredOn(event -> event.data().path("status").asString("").equals("SUCCEEDED"))
                .extracting(EventRecord::data)
                .singleElement()
                .satisfies(data -> assertThat(data.get("attempt").intValue()).isEqualTo(2));
        assertNothingLeftOnDisk();
    }

    /** As if this worker had been frozen until its lease was over and somebody had taken the job back. */
    private void overtake() {
        Awaitility.await().until(() -> {
            sql.sql("update job set lease_expires_at = now() - interval '1 second' where status = 'RUNNING'")
                    .update();
            return queue.reclaimExpired() > 0 || jobsAreQueued();
        });
    }

    private boolean jobsAreQueued() {
        return sql.sql("select count(*) from job where status = 'QUEUED'")
                        .query(Long.class)
                        .single()
                > 0;
    }

    @Test
    void theSameJobTwiceGivesTheSameRevision() {
        JsonNode first = resultOf(quantize("hub:octavo/model"));
        JsonNode second = resultOf(submit(recipe("'reuse':false")));
        assertThat(second.get("revision")).isEqualTo(first.get("revision"));
        assertThat(second.get("artifactId")).isNotEqualTo(first.get("artifactId"));
        assertThat(second.has("reused")).isFalse();
    }

    private static String recipe(String more) {
        return "{'type':'quantize','source':'hub:octavo/model','scheme':'FP8_DYNAMIC','target':'octavo/out'"
                + (more.isEmpty() ? "" : "," + more) + "}";
    }

    @Test
    void whatWasMadeOnceIsNotMadeAgain() {
        UUID maker = quantize("hub:octavo/model");
        JsonNode first = resultOf(maker);
        assertThat(engine.begun.availablePermits()).isEqualTo(1);

        JsonNode same = resultOf(submit(recipe("'priority':7,'labels':{'team':'search'}")));
        assertThat(same.get("reused").booleanValue()).isTrue();
        assertThat(same.get("artifactId")).isEqualTo(first.get("artifactId"));
        assertThat(same.get("reusedJobId").stringValue()).isEqualTo(maker.toString());
        assertThat(same.get("uri")).isEqualTo(first.get("uri"));
        assertThat(same.get("label")).isEqualTo(first.get("label"));

        JsonNode elsewhere = resultOf(submit(recipe("").replace("octavo/out", "octavo/other")));
        assertThat(elsewhere.get("artifactId")).isEqualTo(first.get("artifactId"));
        assertThat(elsewhere.get("repository").stringValue()).isEqualTo("octavo/other");
        assertThat(repositories
                        .revision(TENANT, RepositoryName.parse("octavo/other"), "main")
                        .files())
                .isEqualTo(onlyArtifact().files());
        assertThat(engine.begun.availablePermits()).isEqualTo(1);
        assertNothingLeftOnDisk();
    }

    @Test
    void anotherByteRecipeDatasetEngineOrTenantIsMadeAnew() {
        push("octavo/data", file("text.txt", bytes("one\n")), file("other.txt", bytes("two\n")));
        String calibrated = recipe("'calibration':{'dataset':'hub:octavo/data#text.txt'}");
        made(calibrated);
        reused(calibrated);
        made(calibrated.replace("text.txt", "other.txt"));
        made(recipe(""));
        reused(recipe(""));
        made(recipe("'ignore':['lm_head']"));
        made(recipe("'layout':'awq'"));
        made(recipe("").replace("FP8_DYNAMIC", "W8A8"));

        engine.version = "fake-2";
        made(recipe(""));
        engine.reset();
        reused(recipe(""));

        push("octavo/copy", file("model.safetensors", weights), file("original", bytes("yes")));
        reused(recipe("").replace("octavo/model", "octavo/copy")); // the same bytes elsewhere
        weights[0]++;
        push("octavo/model", file("model.safetensors", weights), file("original", bytes("yes")));
        made(recipe(""));

        sql.sql("update artifact set tenant = ?").param(otherTenant()).update();
        made(recipe(""));
    }

    private UUID otherTenant() {
        UUID id = UUID.randomUUID();
        sql.sql("insert into tenant (id, name) values (?, ?)")
                .param(id)
                .param("t" + id)
                .update();
        return id;
    }

    private void made(String spec) {
        engine.begun.drainPermits();
        assertThat(resultOf(submit(spec)).has("reused")).as(spec).isFalse();
        assertThat(engine.begun.availablePermits()).as(spec).isEqualTo(1);
    }

    private void reused(String spec) {
        engine.begun.drainPermits();
        assertThat(resultOf(submit(spec)).path("reused").asBoolean(false))
                .as(spec)
                .isTrue();
        assertThat(engine.begun.availablePermits()).as(spec).isZero();
    }

    @Test
    void aBucketIsReusedOnceItsBytesWereHashed() {
        objects.ensureBucketSoon("models");
        objects.put("models", "some/bucket/model.safetensors", new ByteArrayInputStream(weights), weights.length);
        String spec = recipe("").replace("hub:octavo/model", "s3://models/some/bucket");
        made(spec);
        reused(spec);
        weights[1]++;
        objects.put("models", "some/bucket/model.safetensors", new ByteArrayInputStream(weights), weights.length);
        made(spec);
    }

    @Test
    void aPipelineQuantizesEvaluatesAndJudges() {
        push("octavo/data", file("text.txt", bytes("one\ntwo\n")), file("cloze.jsonl", bytes("{}\n")));
        UUID id = submit(judged("1.2"));
        JsonNode result = resultOf(id);
        assertThat(result.at("/steps/FP8_DYNAMIC-evaluate/gates/0/passed").booleanValue())
                .isTrue();
        assertThat(result.at("/steps/FP8_DYNAMIC-evaluate/gates/0/value").doubleValue())
                .isEqualTo(1.1);
        assertThat(onlyArtifact().repository()).isEqualTo("octavo/out-FP8_DYNAMIC");
        assertThat(artifacts.get(TENANT, onlyArtifact().id()).evaluations()).hasSize(1);
        assertNothingLeftOnDisk();
    }

    private static String judged(String max) {
        return recipe("'evaluate':{'baseline':'hub:octavo/model','tasks':["
                        + "{'type':'perplexity','name':'books','dataset':'hub:octavo/data#text.txt','windowTokens':4}],"
                        + "'gates':[{'metric':'perplexity.ratio','max':" + max + "}]}")
                .replace("'scheme':'FP8_DYNAMIC'", "'schemes':['FP8_DYNAMIC']")
                .replace("octavo/out", "octavo/out-{scheme}");
    }

    @Test
    void aGateThatIsNotPassedFailsItsStepAndShowsTheScores() {
        push("octavo/data", file("text.txt", bytes("one\ntwo\n")), file("cloze.jsonl", bytes("{}\n")));
        UUID id = submit(judged("1.05"));
        JobView pipeline = await(id, JobStatus.FAILED);
        assertThat(problemOf(pipeline).code()).isEqualTo("step-failed");
        JobView step = jobs.get(TENANT, pipeline.steps().getLast().jobId());
        assertThat(problemOf(step).code()).isEqualTo("gate-failed");
        assertThat(problemOf(step).detail())
                .isEqualTo("perplexity.ratio of task books is 1.1; the gate allows at most 1.05");
        assertThat(Objects.requireNonNull(step.result()).at("/gates/0/passed").booleanValue())
                .isFalse();
        assertThat(step.attempt()).isEqualTo(1);

        jobs.retry(TENANT, id); // judges again, and keeps one evaluation
        await(id, JobStatus.FAILED);
        assertThat(sql.sql("select count(*) from evaluation").query(Long.class).single())
                .isEqualTo(1);
    }

    /** Tags come from lists of ours, so that neither users nor tenants can make series or be seen in them. */
    @Test
    void whatOperatorsWatchIsMeasuredWithoutNamingAnybody() {
        SimpleMeterRegistry meters = new SimpleMeterRegistry();
        Metrics.addRegistry(meters);
        try {
            engine.interlude = (request, monitor) -> {
                engine.freeMemoryBytes = 42;
                monitor.phase("verify");
            };
            await(quantize("hub:octavo/model"), JobStatus.SUCCEEDED);
            Awaitility.await().until(() -> meters.find("octavo.attempts").counter() != null);
            assertThat(meters.get("octavo.device.free.memory.bytes").gauge().value())
                    .isEqualTo(42);
            assertThat(meters.get("octavo.bytes")
                            .tag("direction", "in")
                            .counter()
                            .count())
                    .isPositive();
            assertThat(meters.get("octavo.queue.wait")
                            .tag("type", "quantize")
                            .timer()
                            .count())
                    .isPositive();
            for (String phase : List.of("resolve", "plan", "fetch", "verify", "upload", "commit")) {
                Awaitility.await()
                        .until(() ->
                                meters.find("octavo.phase").tag("phase", phase).timer() != null);
            }
            assertThat(meters.getMeters().stream()
                            .map(Meter::getId)
                            .filter(id -> id.getName().startsWith("octavo."))
                            .flatMap(id -> id.getTags().stream())
                            .map(Tag::getKey))
                    .isSubsetOf("reason", "type", "outcome", "code", "phase", "direction", "le");
            assertThat(meters.getMetersAsString()).doesNotContain("octavo/", TENANT.toString());
        } finally {
            Metrics.removeRegistry(meters);
        }
    }
}
