package io.octavo.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.Claim;
import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.jobs.testing.EmbeddedServices;
import io.octavo.jobs.worker.WorkerDescription;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.test.context.ContextConfiguration;
import org.springframework.test.context.TestPropertySource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;

/** Every call of the contract over real HTTP, a real database and real storage. */
@Timeout(120)
@OnFreePort
@TestPropertySource(properties = {"octavo.api.max-json-body=64KB", "octavo.identity.rate.burst=100000"})
@ContextConfiguration(initializers = EmbeddedServices.class)
class ApiTest extends RunningService {

    static final String KEY = "octv_000000000000_0000000000000000000000000000000000000000000000000000000000000000";

    private static final WorkerIdentity WORKER = new WorkerIdentity(UUID.randomUUID(), "alice");
    private static final String QUANTIZE = """
            {"type":"quantize","source":"hub:octavo/model","scheme":"FP8_DYNAMIC","target":"octavo/out"}""";

    @Autowired
    JsonMapper json;

    private final HttpClient client = HttpClient.newHttpClient();

    @BeforeEach
    void startWithAModel() throws Exception {
        sql.sql("truncate job, job_event, idempotency, artifact, artifact_file, evaluation, worker,"
                        + " ref, repository, revision, revision_file")
                .update();
        TestWorker.register(workers, WORKER);
        commitModel("octavo/model", TinyModel.CONFIG, TinyModel.weights("BF16"));
    }

    private HttpRequest.Builder to(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                .header("Authorization", "Bearer " + KEY);
    }

    private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString());
    }

    private HttpResponse<String> get(String path, String... headers) throws Exception {
        HttpRequest.Builder request = to(path);
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
        HttpRequest.Builder request =
                to(path).header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(body));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    private HttpResponse<String> put(String path, byte[] body, String... headers) throws Exception {
        HttpRequest.Builder request = to(path).PUT(HttpRequest.BodyPublishers.ofByteArray(body));
        return send(headers.length == 0 ? request : request.headers(headers));
    }

    private JsonNode read(HttpResponse<String> response) {
        return json.readTree(response.body());
    }

    private String upload(String repository, String path, String content) throws Exception {
        return read(put(
                        "/api/v1/repositories/" + repository + "/files/" + path,
                        content.getBytes(StandardCharsets.UTF_8)))
                .get("sha256")
                .stringValue();
    }

    private HttpResponse<String> commit(String repository, String path, String sha256, long size) throws Exception {
        return post(
                "/api/v1/repositories/" + repository + "/revisions",
                "{\"message\":\"m\",\"files\":[{\"path\":\"" + path + "\",\"sha256\":\"" + sha256 + "\",\"size\":"
                        + size + "}]}");
    }

    /** A checkpoint of one Linear, and what {@code weights} hold. */
    private void commitModel(String repository, String config, byte[] weights) throws Exception {
        String path = "/api/v1/repositories/" + repository;
        HttpResponse<String> stored = put(path + "/files/config.json", config.getBytes(StandardCharsets.UTF_8));
        HttpResponse<String> weightFile = put(path + "/files/model.safetensors", weights);
        String files = "{\"files\":[" + stored.body() + "," + weightFile.body() + "]}";
        assertThat(post(path + "/revisions", files).statusCode()).isEqualTo(201);
    }

    private String submit() throws Exception {
        return read(post("/api/v1/jobs", QUANTIZE)).get("id").stringValue();
    }

    private Claim claim() {
        return queue.claim(WORKER, Set.of("quantize")).orElseThrow();
    }

    private void assertProblem(HttpResponse<String> response, int status, String code) {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = read(response);
        assertThat(problem.get("code").stringValue()).isEqualTo(code);
        assertThat(problem.get("status").intValue()).isEqualTo(status);
        assertThat(problem.get("detail").stringValue()).isNotBlank();
        assertThat(response.body()).doesNotContain("Exception", "io.octavo", "\"trace\"");
    }

    @Test
    void submitsAndShowsAJob() throws Exception {
        HttpResponse<String> accepted = post("/api/v1/jobs", QUANTIZE);

        assertThat(accepted.statusCode()).isEqualTo(202);
        JsonNode job = read(accepted);
        String place = accepted.headers().firstValue("Location").orElseThrow();
        assertThat(place).isEqualTo("/api/v1/jobs/" + job.get("id").stringValue());
        assertThat(read(get(place))).isEqualTo(job);
        assertThat(job.propertyNames())
                .contains(
                        "id",
                        "type",
                        "status",
                        "phase",
                        "progress",
                        "attempt",
                        "createdAt",
                        "startedAt",
                        "finishedAt",
                        "spec",
                        "result",
                        "problem",
                        "worker");
        assertThat(job.get("status").stringValue()).isEqualTo("QUEUED");
        assertThat(job.at("/spec/layout").stringValue()).isEqualTo("compressed-tensors");
        assertThat(job.get("createdAt").stringValue()).endsWith("Z");
    }

    private static final String PIPELINE = """
            {"type":"pipeline","labels":{"team":"search:eu"},"steps":[
             {"name":"q","job":{"type":"quantize","source":"hub:octavo/model","scheme":"FP8_DYNAMIC","target":"octavo/out"}},
             {"name":"c","needs":["q"],"job":{"type":"convert","source":"step:q","layout":"modelopt",
              "target":"octavo/again"}}]}""";

    @Test
    void aPipelineShowsItsStepsAndTheyShowTheirPipeline() throws Exception {
        HttpResponse<String> accepted = post("/api/v1/jobs", PIPELINE, "Idempotency-Key", "p");
        assertThat(accepted.statusCode()).as(accepted.body()).isEqualTo(202);
        JsonNode pipeline = read(accepted);
        String id = pipeline.get("id").stringValue();
        assertThat(read(post("/api/v1/jobs", PIPELINE, "Idempotency-Key", "p"))).isEqualTo(pipeline);
        assertThat(pipeline.at("/steps/1/name").stringValue()).isEqualTo("c");
        assertThat(pipeline.at("/steps/1/needs/0").stringValue()).isEqualTo("q");
        JsonNode step = read(get("/api/v1/jobs/" + pipeline.at("/steps/1/jobId").stringValue()));
        assertThat(step.get("parent").stringValue()).isEqualTo(id);
        assertThat(step.get("step").stringValue()).isEqualTo("c");
        assertThat(step.at("/waiting/code").stringValue()).isEqualTo("needs");
        assertThat(step.at("/spec/labels/team").stringValue()).isEqualTo("search:eu");

        assertThat(read(get("/api/v1/jobs?parent=" + id)).get("items")).hasSize(2);
        assertThat(read(get("/api/v1/jobs?type=pipeline&label=team:search:eu"))
                        .at("/items/0/id")
                        .stringValue())
                .isEqualTo(id);
        assertThat(read(get("/api/v1/jobs?label=team:search:eu&label=run:1")).get("items"))
                .isEmpty();
        assertProblem(get("/api/v1/jobs?label=team"), 400, "invalid-request");
        assertProblem(get("/api/v1/jobs?parent=x"), 400, "invalid-request");

        assertThat(read(post("/api/v1/jobs/" + id + "/cancel", ""))
                        .get("status")
                        .stringValue())
                .isEqualTo("CANCELLED");
        assertThat(read(post("/api/v1/jobs/" + id + "/retry", "")).get("status").stringValue())
                .isEqualTo("QUEUED");
        assertProblem(post("/api/v1/jobs/" + step.get("id").stringValue() + "/retry", ""), 409, "job-not-retryable");
    }

    @Test
    void aPipelineIsPlannedAndRefusedStepByStep() throws Exception {
        JsonNode plan = read(post("/api/v1/jobs?dryRun=true", PIPELINE));
        assertThat(plan.at("/steps/0/plan/quantization/label").stringValue()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(plan.at("/steps/1/plan/spec/source").stringValue()).isEqualTo("step:q");
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();

        HttpResponse<String> missing = post("/api/v1/jobs", PIPELINE.replace("octavo/model", "octavo/nothing"));
        assertProblem(missing, 422, "source-not-found");
        assertThat(read(missing).get("detail").stringValue()).startsWith("step q: ");
        assertProblem(post("/api/v1/jobs", PIPELINE.replace("[\"q\"]", "[\"x\"]")), 400, "pipeline-step-unknown");
        assertProblem(post("/api/v1/jobs", PIPELINE.replace("[\"q\"]", "[]")), 400, "pipeline-need-missing");
        assertProblem(post("/api/v1/jobs", PIPELINE.replace("[\"q\"]", "[\"c\"]")), 400, "pipeline-self-need");
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();
    }

    @Test
    void aListOfSchemesIsAPipeline() throws Exception {
        JsonNode job = read(post(
                "/api/v1/jobs",
                QUANTIZE.replace("\"scheme\":\"FP8_DYNAMIC\"", "\"schemes\":[\"FP8_DYNAMIC\"]")
                        .replace("octavo/out", "octavo/out-{scheme}")));
        assertThat(job.get("type").stringValue()).isEqualTo("pipeline");
        assertThat(job.at("/spec/steps/0/job/target").stringValue()).isEqualTo("octavo/out-FP8_DYNAMIC");
    }

    @Test
    void aDryRunShowsThePlanAndSubmitsNothing() throws Exception {
        HttpResponse<String> answer = post("/api/v1/jobs?dryRun=true", QUANTIZE);
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode plan = read(answer);
        assertThat(plan.at("/inputs/0/fileCount").intValue()).isEqualTo(2);
        assertThat(plan.at("/quantization/label").stringValue()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(plan.at("/quantization/inputBytes").longValue()).isEqualTo(2 * 64 * 32);
        assertThat(plan.at("/quantization/outputBytes").longValue()).isEqualTo(64 * 32 + 2 * 64);
        JsonNode module = plan.at("/quantization/modules/0");
        assertThat(module.get("name").stringValue()).isEqualTo("model.layers.0.mlp.up_proj");
        assertThat(module.at("/stored/0").stringValue()).isEqualTo("weight F8_E4M3 [64, 32]");
        assertThat(plan.at("/quantization/tensorParallel/3/ways").intValue()).isEqualTo(8);
        assertThat(plan.get("notChecked")).hasSize(1);
        assertThat(plan.at("/notChecked/0/reason").stringValue()).contains("NaN");
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();
    }

    @Test
    void keepsWhatPlanningFoundWithTheJob() throws Exception {
        JsonNode job = read(get("/api/v1/jobs/" + submit()));
        assertThat(job.at("/plan/label").stringValue()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(job.at("/plan/inputBytes").longValue()).isEqualTo(2 * 64 * 32);
        assertThat(job.at("/plan/outputBytes").longValue()).isEqualTo(64 * 32 + 2 * 64);
        assertThat(job.at("/plan/resources/diskBytes").longValue()).isGreaterThan(2 * 64 * 32);
        String head = read(get("/api/v1/repositories/octavo/model/revisions/main"))
                .get("id")
                .stringValue();
        assertThat(job.at("/plan/revision").stringValue()).isEqualTo(head);
        assertThat(claim().plan().orElseThrow().outputBytes()).isEqualTo(64 * 32 + 2 * 64);

        JsonNode pipeline = read(post("/api/v1/jobs", PIPELINE));
        assertThat(pipeline.get("plan").isNull()).isTrue();
        JsonNode step = read(get("/api/v1/jobs/" + pipeline.at("/steps/0/jobId").stringValue()));
        assertThat(step.get("plan")).isEqualTo(job.get("plan"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "FP8; ''; calibration-missing",
                "NVFP4; ''; calibration-missing",
                "W8A8_STATIC; ''; calibration-missing",
                "FP8_DYNAMIC; ,\"kvCache\":{\"type\":\"fp8\"}; calibration-missing",
                "FP8_DYNAMIC; ,\"modifiers\":[{\"type\":\"smoothquant\"}]; calibration-missing",
                "FP8; ,\"calibration\":{\"dataset\":\"hub:octavo/model#no.txt\"}; source-not-found",
                "FP8; ,\"calibration\":{\"dataset\":\"hub:octavo/model\"}; source-ambiguous"
            })
    void refusesWhatLacksItsDataBeforeItIsQueued(String scheme, String members, String code) throws Exception {
        workers.register(
                new WorkerIdentity(UUID.randomUUID(), "b"),
                new WorkerDescription(
                        "host",
                        "cpu",
                        "1",
                        List.of(
                                new SchemeInfo("FP8", ""),
                                new SchemeInfo("NVFP4", ""),
                                new SchemeInfo("W8A8_STATIC", ""),
                                new SchemeInfo("FP8_DYNAMIC", "")),
                        List.of("compressed-tensors")),
                false);
        String job = QUANTIZE.replace("FP8_DYNAMIC", scheme).replace("}", members + "}");
        assertProblem(post("/api/v1/jobs?dryRun=true", job), 422, code);
        assertProblem(post("/api/v1/jobs", job), 422, code);
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/api/v1/jobs?dryRun=true", "/api/v1/jobs"})
    void refusesAtOnceWhatAWorkerWouldRefuse(String path) throws Exception {
        commitModel("octavo/codes", TinyModel.CONFIG, TinyModel.weights("I8"));
        HttpResponse<String> refusal = post(path, QUANTIZE.replace("octavo/model", "octavo/codes"));
        assertProblem(refusal, 422, "tensor-dtype-unsupported");
        assertThat(read(refusal).get("detail").stringValue())
                .contains("model.layers.0.mlp.up_proj.weight: I8 cannot be quantized; allowed: [F32, F16, BF16]");
        byte[] damaged = Arrays.copyOf(TinyModel.weights("BF16"), 1000);
        commitModel("octavo/damaged", TinyModel.CONFIG, damaged);
        assertProblem(post(path, QUANTIZE.replace("octavo/model", "octavo/damaged")), 422, "safetensors-truncated");
        String evaluation = """
                {"type":"evaluate","source":"hub:octavo/model","tasks":[{"type":"generation","prompt":"x"}]}""";
        assertProblem(post(path, evaluation), 422, "config-invalid");
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();
    }

    /** What no worker could do is not worth a place in the queue; a dry run says the same. */
    @ParameterizedTest
    @ValueSource(strings = {"/api/v1/jobs?dryRun=true", "/api/v1/jobs"})
    void refusesAtOnceWhatCanBeKnownWithoutTheModel(String path) throws Exception {
        assertProblem(post(path, QUANTIZE.replace("octavo/out", "octavo/model")), 422, "target-is-source");
        String chained = """
                {"type":"pipeline","steps":[{"name":"q","job":%s},
                 {"name":"c","needs":["q"],"job":{"type":"convert","source":"step:q","layout":"compressed-tensors",
                  "target":"octavo/out"}}]}""".formatted(QUANTIZE);
        HttpResponse<String> refusal = post(path, chained);
        assertProblem(refusal, 422, "target-is-source");

        String evaluation = """
                {"type":"evaluate","source":"hub:octavo/model",
                 "tasks":[{"type":"perplexity","dataset":"s3://nobody/data.txt"}]}""";
        assertProblem(post(path, evaluation), 403, "source-not-allowed");
        String choice = """
                {"type":"evaluate","source":"hub:octavo/model",
                 "tasks":[{"type":"multiple-choice","dataset":"hub:octavo/model#x.jsonl"}],
                 "gates":[{"metric":"accuracy","min":1.01}]}""";
        assertProblem(post(path, choice), 400, "invalid-request");
        String calibrated = QUANTIZE.replace(
                "}",
                ",\"modifiers\":[{\"type\":\"smoothquant\"}],\"calibration\":{\"dataset\":\"s3://nobody/data.txt\"}}");
        assertProblem(post(path, calibrated), 403, "source-not-allowed");
        assertThat(read(get("/api/v1/jobs")).get("items")).isEmpty();
    }

    @Test
    void leavesToTheWorkerWhatCannotBeLookedAt() throws Exception {
        String local = QUANTIZE.replace("hub:octavo/model", "file:/models/x");
        sql.sql("update worker set folders = '[\"/models\"]'").update();
        JsonNode plan = read(post("/api/v1/jobs?dryRun=true", local));
        assertThat(plan.get("quantization").isNull()).isTrue();
        assertThat(plan.at("/notChecked/0/uri").stringValue()).isEqualTo("file:/models/x");
        assertThat(post("/api/v1/jobs", local).statusCode()).isEqualTo(202);
        assertProblem(
                post("/api/v1/jobs", local.replace("}", ",\"modifiers\":[{\"type\":\"smoothquant\"}]}")),
                422,
                "calibration-missing");
        EmbeddedServices.s3().stop();
        try {
            plan = read(post("/api/v1/jobs?dryRun=true", QUANTIZE));
            assertThat(plan.at("/notChecked/0/reason").stringValue()).isEqualTo("its headers cannot be read now");
            assertThat(post("/api/v1/jobs", QUANTIZE).statusCode()).isEqualTo(202);
        } finally {
            EmbeddedServices.s3().start();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"type\":\"bake\"}; type",
                "{\"type\":\"quantize\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"a/b\"}; source",
                "{\"type\":\"quantize\",\"source\":\"ftp://x\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"a/b\"}; source",
                "{\"type\":\"quantize\",\"source\":\"hub:a/b\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"../b\"}; target",
                "{\"type\":\"convert\",\"source\":\"hub:a/b\",\"target\":\"a/b\"}; layout",
                "{\"type\":\"convert\",\"source\":\"hub:a/b\",\"target\":\"a/b\",\"layout\":\"awq\",\"scheme\":\"x\"}; scheme",
                "{\"type\":\"quantize\",\"source\":\"hub:a/b\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"a/b\",\"x\":1}; x",
                "{\"type\":\"quantize\",\"source\":\"hub:a/b\",\"scheme\":\"FP8_DYNAMIC\",\"target\":\"a/b\",\"priority\":1.5}; priority",
                "{\"type\":\"evaluate\",\"source\":\"hub:a/b\",\"tasks\":[]}; tasks",
                "{\"type\":\"evaluate\",\"source\":\"hub:a/b\",\"tasks\":[{\"type\":\"perplexity\",\"name\":\"p\"}]}; tasks[0].dataset",
                "{\"type\":\"evaluate\",\"source\":\"hub:a/b\",\"tasks\":[{\"type\":\"divergence\",\"dataset\":\"hub:a/b#c\"}]}; baseline",
                "[]; body"
            })
    void namesTheFieldThatIsWrong(String body, String field) throws Exception {
        HttpResponse<String> response = post("/api/v1/jobs", body);
        assertProblem(response, 400, "invalid-request");
        assertThat(read(response).at("/errors/0/field").stringValue()).isEqualTo(field);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"type\":\"quantize\",\"type\":\"evaluate\"}", "{} {}", "nonsense"})
    void refusesWhatIsNotOneJsonObject(String body) throws Exception {
        assertProblem(post("/api/v1/jobs", body), 400, "invalid-request");
    }

    @Test
    void tellsWhereMalformedJsonIsMalformed() throws Exception {
        String body = "{\"type\": \"quantize\",\n  \"calibration\": {\"dataset\": hub:a/b}}";
        assertThat(read(post("/api/v1/jobs", body)).get("detail").stringValue())
                .contains("line 2, column ", "/calibration/dataset")
                .doesNotContain("hub:a/b");
    }

    @Test
    void refusesUnknownSchemesSourcesAndOverlongBodies() throws Exception {
        assertProblem(post("/api/v1/jobs", QUANTIZE.replace("FP8_DYNAMIC", "FP3")), 400, "scheme-unknown");
        assertProblem(post("/api/v1/jobs", QUANTIZE.replace("octavo/model", "octavo/no")), 422, "source-not-found");
        assertProblem(post("/api/v1/jobs", "[" + " ".repeat(70_000) + "]"), 413, "body-too-large");
    }

    @Test
    void frameworkFailuresAreProblemsToo() throws Exception {
        assertProblem(get("/api/v1/nothing"), 404, "not-found");
        assertProblem(get("/api/v1/jobs/not-a-uuid"), 400, "invalid-request");
        assertProblem(get("/api/v1/jobs?limit=0"), 400, "invalid-request");
        assertProblem(get("/api/v1/jobs?status=LOST"), 400, "invalid-request");
        assertProblem(get("/api/v1/jobs?cursor=x"), 400, "invalid-request");
        assertProblem(send(to("/api/v1/jobs").DELETE()), 405, "method-not-allowed");
        assertProblem(
                send(to("/api/v1/jobs")
                        .header("Content-Type", "text/plain")
                        .POST(HttpRequest.BodyPublishers.ofString("x"))),
                415,
                "unsupported-media-type");
    }

    @Test
    void theSameIdempotencyKeyGivesTheSameJob() throws Exception {
        HttpResponse<String> first = post("/api/v1/jobs", QUANTIZE, "Idempotency-Key", "k");
        HttpResponse<String> again = post("/api/v1/jobs", QUANTIZE, "Idempotency-Key", "k");
        assertThat(again.statusCode()).isEqualTo(202);
        assertThat(read(again)).isEqualTo(read(first));
        assertProblem(
                post("/api/v1/jobs", QUANTIZE.replace("/out", "/other"), "Idempotency-Key", "k"),
                409,
                "idempotency-key-reused");
    }

    @Test
    void theSameIdempotencyKeyGivesTheSameJobWhenTheSourceIsGone() throws Exception {
        HttpResponse<String> first = post("/api/v1/jobs", QUANTIZE, "Idempotency-Key", "k");
        sql.sql("truncate artifact, artifact_file, evaluation, ref, repository, revision, revision_file")
                .update();
        HttpResponse<String> again = post("/api/v1/jobs", QUANTIZE, "Idempotency-Key", "k");
        assertThat(again.statusCode()).as(again.body()).isEqualTo(202);
        assertThat(read(again)).isEqualTo(read(first));
        assertThat(again.headers().firstValue("Location"))
                .isEqualTo(first.headers().firstValue("Location"));
        assertProblem(post("/api/v1/jobs", QUANTIZE, "Idempotency-Key", "other"), 422, "source-not-found");
        assertProblem(
                post("/api/v1/jobs", QUANTIZE.replace("/out", "/other"), "Idempotency-Key", "k"),
                409,
                "idempotency-key-reused");
    }

    @Test
    void pagesThroughJobs() throws Exception {
        String first = submit();
        String second = submit();
        String third = submit();
        JsonNode page = read(get("/api/v1/jobs?limit=2"));
        assertThat(page.at("/items/0/id").stringValue()).isEqualTo(third);
        assertThat(page.at("/items/1/id").stringValue()).isEqualTo(second);
        JsonNode rest =
                read(get("/api/v1/jobs?limit=2&cursor=" + page.get("nextCursor").stringValue()));
        assertThat(rest.at("/items/0/id").stringValue()).isEqualTo(first);
        assertThat(rest.get("nextCursor").isNull()).isTrue();
    }

    @Test
    void cancelsAndRetries() throws Exception {
        String id = submit();
        assertThat(read(post("/api/v1/jobs/" + id + "/cancel", ""))
                        .get("status")
                        .stringValue())
                .isEqualTo("CANCELLED");
        assertProblem(post("/api/v1/jobs/" + id + "/cancel", ""), 409, "job-not-cancellable");
        assertThat(read(post("/api/v1/jobs/" + id + "/retry", "")).get("status").stringValue())
                .isEqualTo("QUEUED");
        assertProblem(post("/api/v1/jobs/" + id + "/retry", ""), 409, "job-not-retryable");
        assertProblem(post("/api/v1/jobs/" + UUID.randomUUID() + "/retry", ""), 404, "job-not-found");
    }

    @Test
    void pagesThroughEvents() throws Exception {
        String id = submit();
        queue.phase(claim().lease(), "quantize");
        JsonNode page = read(get("/api/v1/jobs/" + id + "/events?limit=2"));
        assertThat(page.get("items")).hasSize(2);
        JsonNode rest = read(get("/api/v1/jobs/" + id + "/events?cursor="
                + page.get("nextCursor").stringValue()));
        assertThat(rest.at("/items/0/type").stringValue()).isEqualTo("phase");
        assertThat(rest.at("/items/0/data/phase").stringValue()).isEqualTo("quantize");
        assertThat(rest.at("/items/0/id").isIntegralNumber()).isTrue();
    }

    @Test
    void streamsEventsUntilTheJobEndsAndResumes() throws Exception {
        String id = submit();
        var response = client.sendAsync(
                to("/api/v1/jobs/" + id + "/events")
                        .header("Accept", "text/event-stream")
                        .timeout(Duration.ofSeconds(30))
                        .build(),
                BodyHandlers.ofString());
        Claim claim = claim();
        queue.phase(claim.lease(), "quantize");
        queue.complete(claim.lease(), JsonNodeFactory.instance.objectNode());

        String stream = response.get().body();

        assertThat(stream.lines().filter(line -> line.startsWith("event:")))
                .containsExactly("event:state", "event:state", "event:phase", "event:state");
        assertThat(stream).contains("data:{\"phase\":\"quantize\"}").contains("\"status\":\"SUCCEEDED\"");
        List<String> ids = stream.lines().filter(line -> line.startsWith("id:")).toList();
        String rest = get(
                        "/api/v1/jobs/" + id + "/events",
                        "Accept",
                        "text/event-stream",
                        "Last-Event-ID",
                        ids.get(1).substring("id:".length()))
                .body();
        assertThat(rest.lines().filter(line -> line.startsWith("id:"))).containsExactlyElementsOf(ids.subList(2, 4));
        assertProblem(
                get("/api/v1/jobs/" + UUID.randomUUID() + "/events", "Accept", "text/event-stream, application/json"),
                404,
                "job-not-found");
    }

    @Test
    void tellsWhichBlobsAreMissingAndCommitsOnceTheyAreThere() throws Exception {
        String content = "weights " + UUID.randomUUID();
        String sha256 = sha256(content.getBytes(StandardCharsets.UTF_8));

        HttpResponse<String> refused = commit("octavo/new", "w.bin", sha256, content.length());
        assertProblem(refused, 422, "blobs-missing");
        assertThat(read(refused).at("/missing/0").stringValue()).isEqualTo(sha256);
        assertProblem(get("/api/v1/repositories/octavo/new/revisions"), 404, "repository-not-found");

        assertThat(upload("octavo/new", "w.bin", content)).isEqualTo(sha256);
        HttpResponse<String> created = commit("octavo/new", "w.bin", sha256, content.length());
        assertThat(created.statusCode()).isEqualTo(201);
        String id = read(created).get("id").stringValue();
        assertThat(id).matches("[0-9a-f]{40}");

        HttpResponse<String> same = commit("octavo/new", "w.bin", sha256, content.length());
        assertThat(same.statusCode()).isEqualTo(200);
        assertThat(read(same)).isEqualTo(read(created));
        assertThat(read(get("/api/v1/repositories/octavo/new/revisions/main"))).isEqualTo(read(created));
        assertThat(read(get("/api/v1/repositories/octavo/new/revisions"))
                        .at("/items/0/id")
                        .stringValue())
                .isEqualTo(id);
        assertThat(get("/api/v1/repositories/octavo/new/files/w.bin?revision=" + id)
                        .body())
                .isEqualTo(content);
    }

    @Test
    void storesOnlyWhatHasTheAnnouncedHash() throws Exception {
        byte[] content = "some bytes".getBytes(StandardCharsets.UTF_8);
        String path = "/api/v1/repositories/octavo/model/files/a.bin";
        assertProblem(put(path, content, "X-Content-SHA256", "0".repeat(64)), 422, "content-hash-mismatch");
        assertProblem(put(path, content, "X-Content-SHA256", "zz"), 400, "invalid-request");
        assertThat(put(path, content, "X-Content-SHA256", sha256(content)).statusCode())
                .isEqualTo(200);
        assertThat(put(path, content, "X-Content-SHA256", sha256(content)).statusCode())
                .isEqualTo(200);
    }

    /** What curl says of a body unless it is told. */
    @Test
    void aBodyThatCallsItselfAFormIsStoredAsItIs() throws Exception {
        byte[] content = "a=b&c=d".getBytes(StandardCharsets.UTF_8);
        HttpResponse<String> stored = put(
                "/api/v1/repositories/octavo/model/files/form",
                content,
                "Content-Type",
                "application/x-www-form-urlencoded");
        assertThat(read(stored).get("sha256").stringValue()).isEqualTo(sha256(content));
    }

    @Test
    void takesAnEmptyFile() throws Exception {
        String sha256 = upload("octavo/empty", "none", "");
        assertThat(sha256).isEqualTo(sha256(new byte[0]));
        assertThat(commit("octavo/empty", "none", sha256, 0).statusCode()).isEqualTo(201);
        assertThat(get("/api/v1/repositories/octavo/empty/files/none").body()).isEmpty();
        assertThat(put("/api/v1/repositories/octavo/empty/files/none", new byte[0], "X-Content-SHA256", sha256)
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void takesAFileOfManyPartsWithoutKnowingItsLength() throws Exception {
        byte[] content = new byte[40 << 20];
        new Random(3).nextBytes(content);
        HttpResponse<String> stored = send(to("/api/v1/repositories/octavo/model/files/big.bin")
                .PUT(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(content))));
        assertThat(read(stored).get("sha256").stringValue()).isEqualTo(sha256(content));
        commit("octavo/model", "big.bin", sha256(content), content.length);
        HttpResponse<byte[]> part = client.send(
                to("/api/v1/repositories/octavo/model/files/big.bin")
                        .header("Range", "bytes=20000000-20000099")
                        .build(),
                BodyHandlers.ofByteArray());
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(content, 20_000_000, 20_000_100));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a%2F..%2Fb", "a//b", ".git/config", "a/.GIT/b", "a%01b", "a/", "%2Fetc%2Fpasswd"})
    void refusesHostilePaths(String path) throws Exception {
        assertProblem(put("/api/v1/repositories/octavo/model/files/" + path, new byte[] {1}), 400, "invalid-request");
    }

    @ParameterizedTest
    @ValueSource(strings = {"..%5Cb", "a%5Cb", "a%00b"})
    void theServerItselfRefusesBackslashesAndNul(String path) throws Exception {
        HttpResponse<String> response = put("/api/v1/repositories/octavo/model/files/" + path, new byte[] {1});
        assertProblem(response, 400, "invalid-request");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/x", "a/../b", "a//b", "a\\\\b", "a\\u0000b", ".git/x", "a/", "", "config.json/x"})
    void refusesHostilePathsInRevisions(String path) throws Exception {
        String sha256 = upload("octavo/model", "config.json", "{}");
        String file = "{\"path\":\"%s\",\"sha256\":\"" + sha256 + "\",\"size\":2}";
        HttpResponse<String> response = post(
                "/api/v1/repositories/octavo/model/revisions",
                "{\"files\":[" + file.formatted("config.json") + "," + file.formatted(path) + "]}");
        assertProblem(response, 400, "invalid-request");
        assertThat(read(response).get("errors")).isNotEmpty();
    }

    @Test
    void refusesIncompleteRevisions() throws Exception {
        HttpResponse<String> response =
                post("/api/v1/repositories/octavo/model/revisions", "{\"files\":[{\"path\":\"a\"}]}");
        assertProblem(response, 400, "invalid-request");
        assertThat(read(response).at("/errors/0/field").stringValue()).startsWith("files[0].");
        assertProblem(get("/api/v1/repositories/octavo/model/revisions/nothing"), 404, "revision-not-found");
        assertProblem(get("/api/v1/repositories/octavo/model/files/nothing"), 404, "file-not-found");
    }

    @Test
    void servesRangesAndConditionalRequests() throws Exception {
        String sha256 = upload("octavo/files", "ten", "0123456789");
        commit("octavo/files", "ten", sha256, 10);
        String path = "/api/v1/repositories/octavo/files/files/ten";
        String etag = "\"" + sha256 + "\"";

        HttpResponse<String> whole = get(path);
        assertThat(whole.statusCode()).isEqualTo(200);
        assertThat(whole.body()).isEqualTo("0123456789");
        assertThat(whole.headers().firstValue("ETag")).hasValue(etag);
        assertThat(whole.headers().firstValue("Accept-Ranges")).hasValue("bytes");
        assertThat(whole.headers().firstValue("Content-Length")).hasValue("10");

        assertRange(path, "bytes=2-4", "234", "bytes 2-4/10");
        assertRange(path, "bytes=7-", "789", "bytes 7-9/10");
        assertRange(path, "bytes=-2", "89", "bytes 8-9/10");
        assertRange(path, "bytes=8-99", "89", "bytes 8-9/10");

        HttpResponse<String> outside = get(path, "Range", "bytes=10-");
        assertProblem(outside, 416, "range-not-satisfiable");
        assertThat(outside.headers().firstValue("Content-Range")).hasValue("bytes */10");

        assertThat(get(path, "Range", "bytes=1-2,4-5").body()).isEqualTo("0123456789");
        assertThat(get(path, "Range", "lines=1-2").body()).isEqualTo("0123456789");
        assertThat(get(path, "Range", "bytes=1-2", "If-Range", etag).body()).isEqualTo("12");
        assertThat(get(path, "Range", "bytes=1-2", "If-Range", "\"old\"").body())
                .isEqualTo("0123456789");

        HttpResponse<String> unchanged = get(path, "If-None-Match", etag);
        assertThat(unchanged.statusCode()).isEqualTo(304);
        assertThat(unchanged.body()).isEmpty();
        assertThat(unchanged.headers().firstValue("ETag")).hasValue(etag);

        HttpResponse<String> head = send(to(path).HEAD());
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Length")).hasValue("10");
    }

    private void assertRange(String path, String range, String body, String contentRange) throws Exception {
        HttpResponse<String> part = get(path, "Range", range);
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(body);
        assertThat(part.headers().firstValue("Content-Range")).hasValue(contentRange);
    }

    @Test
    void storageThatIsDownIsAProblemThatPasses() throws Exception {
        EmbeddedServices.s3().stop();
        try {
            HttpResponse<String> response = put("/api/v1/repositories/octavo/model/files/a.bin", new byte[] {1, 2, 3});
            assertProblem(response, 503, "storage-unavailable");
            assertThat(response.headers().firstValue("Retry-After")).isPresent();
        } finally {
            EmbeddedServices.s3().start();
        }
        assertThat(put("/api/v1/repositories/octavo/model/files/a.bin", new byte[] {1, 2, 3})
                        .statusCode())
                .isEqualTo(200);
    }

    @Test
    void listsSchemesAndWorkers() throws Exception {
        assertThat(read(get("/api/v1/schemes")).at("/items/0/name").stringValue())
                .isEqualTo("FP8_DYNAMIC");
        JsonNode worker = read(get("/api/v1/workers")).at("/items/0");
        assertThat(worker.get("name").stringValue()).isEqualTo("alice");
        assertThat(worker.get("alive").booleanValue()).isTrue();
    }

    @Test
    void unknownArtifactsAreNotFound() throws Exception {
        String place = "/api/v1/artifacts/" + UUID.randomUUID();
        assertProblem(get(place), 404, "artifact-not-found");
        assertProblem(get(place + "/files/a"), 404, "artifact-not-found");
        assertProblem(get(place + "/report"), 404, "artifact-not-found");
        assertThat(read(get("/api/v1/artifacts")).get("items")).isEmpty();
    }

    @Test
    void describesItselfAndItsHealth() throws Exception {
        JsonNode document = read(get("/v3/api-docs"));
        assertThat(document.get("paths").propertyNames())
                .contains("/api/v1/jobs", "/api/v1/jobs/{id}/events", "/api/v1/artifacts/{id}/report");
        assertThat(read(get("/actuator/health")).get("status").stringValue()).isEqualTo("UP");
    }

    @Test
    void theDesignTellsWhichCallsAreBuilt() throws Exception {
        JsonNode paths = read(get("/v3/api-docs")).get("paths");
        Set<String> calls = new TreeSet<>();
        for (String path : paths.propertyNames()) {
            for (String method : paths.get(path).propertyNames()) {
                calls.add(method.toUpperCase(Locale.ROOT) + " "
                        + path.replace("/api/v1", "").replace("{*", "{"));
            }
        }
        assertThat(Files.readString(Path.of("..", "docs", "design.md"))
                        .lines()
                        .filter(line -> line.contains(" | built | "))
                        .map(line -> line.substring(0, line.indexOf(" | built | ")))
                        .flatMap(line -> Pattern.compile("`((?:GET|POST|PUT|DELETE) [^`]*)`")
                                .matcher(line)
                                .results())
                        .map(call -> call.group(1)))
                .containsExactlyInAnyOrderElementsOf(calls);
    }

    private static String sha256(byte[] content) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    }
}
