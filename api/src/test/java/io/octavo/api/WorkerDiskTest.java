package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerDisk;
import io.octavo.jobs.worker.WorkerOffer;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The first look at a job knows the disks of the workers. */
@Timeout(120)
@ServiceTest
class WorkerDiskTest extends RunningService {

    private static final String JOB = """
            {"type":"quantize","source":"hub:disk/plain","scheme":"FP8_DYNAMIC","target":"disk/out"}""";
    private static final String CONVERT = """
            {"type":"convert","source":"hub:disk/fp8","layout":"compressed-tensors","target":"disk/out"}""";
    private static final String EVALUATE = """
            {"type":"evaluate","source":"hub:disk/model","baseline":"hub:disk/other","tasks":[
             {"type":"divergence","name":"a","windowTokens":8,"dataset":"hub:disk/data"},
             {"type":"perplexity","name":"b","windowTokens":8,"dataset":"hub:disk/data#text.txt"}]}""";

    private static final Map<String, byte[]> MODEL = Map.of(
            "config.json",
            TestApi.bytes(TinyModel.RUNNABLE),
            "tokenizer.json",
            TestApi.bytes("{}"),
            "model.safetensors",
            TinyModel.weights("BF16"));
    private static final Map<String, byte[]> OTHER = Map.of(
            "config.json",
            TestApi.bytes(TinyModel.RUNNABLE),
            "tokenizer.json",
            TestApi.bytes("{}"),
            "model.safetensors",
            TinyModel.weights("F16"));
    private static final Map<String, byte[]> PLAIN =
            Map.of("config.json", TestApi.bytes(TinyModel.CONFIG), "model.safetensors", TinyModel.weights("BF16"));
    private static final Map<String, byte[]> CODES =
            Map.of("config.json", TestApi.bytes(TinyModel.FP8), "model.safetensors", TinyModel.weights("F8_E4M3"));

    private TestApi api;

    @BeforeEach
    void start() throws Exception {
        api = operator();
        sql.sql("truncate worker").update();
        if (api.get("/api/v1/repositories/disk/model").statusCode() == 404) {
            api.commit("disk/model", MODEL);
            api.commit("disk/other", OTHER);
            api.commit("disk/plain", PLAIN);
            api.commit("disk/fp8", CODES);
            api.commit("disk/data", Map.of("text.txt", TestApi.bytes("a".repeat(1000))));
        }
    }

    private static long size(Map<String, byte[]> files) {
        return files.values().stream().mapToLong(file -> file.length).sum();
    }

    @AfterEach
    void leave() {
        sql.sql("truncate worker").update();
    }

    private void register(long totalBytes, long freeBytes) {
        workers.register(
                new WorkerIdentity(UUID.randomUUID(), "small"),
                new WorkerDescription(
                        "host",
                        "cpu",
                        new WorkerOffer("cpu", 0, 0, Map.of("pool", "a")),
                        new WorkerDisk(totalBytes, freeBytes),
                        "1",
                        List.of(new SchemeInfo("FP8_DYNAMIC", "")),
                        List.of("compressed-tensors")),
                true);
    }

    private long need(String job) throws Exception {
        return plan(job).at("/diskBytes").longValue();
    }

    private JsonNode plan(String job) throws Exception {
        var answer = api.post("/api/v1/jobs?dryRun=true", job);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return read(answer);
    }

    /** Quantize jobs have theirs with the rest of what is known of them. */
    private JsonNode warnings(String job) throws Exception {
        JsonNode plan = plan(job);
        return job.equals(JOB) ? plan.at("/quantization/warnings") : plan.get("warnings");
    }

    @Test
    void tellsWhatAJobOfAnyKindNeeds() throws Exception {
        assertThat(need(JOB))
                .isEqualTo(plan(JOB).at("/quantization/resources/diskBytes").longValue());
        assertThat(need(CONVERT)).isEqualTo(size(CODES) + 64 * 32);
        // Their configs, their tokenizers and the data are the same.
        long both = size(MODEL) + Objects.requireNonNull(OTHER.get("model.safetensors")).length + 1000;
        assertThat(need(EVALUATE)).isEqualTo(both);
        assertThat(need(EVALUATE.replace("hub:disk/other", "hub:disk/model"))).isEqualTo(size(MODEL) + 1000);
        String ofAStep = """
                {"type":"pipeline","steps":[{"name":"q","job":%s},{"name":"c","needs":["q"],"job":%s}]}""".formatted(
                        JOB,
                        CONVERT.replace("hub:disk/fp8", "step:q")
                                .replace("compressed-tensors", "modelopt")
                                .replace("disk/out", "disk/again"));
        assertThat(plan(ofAStep).at("/steps/0/plan/diskBytes").longValue()).isEqualTo(need(JOB));
        assertThat(plan(ofAStep).at("/steps/1/plan/diskBytes").isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {JOB, CONVERT, EVALUATE})
    void refusesWhatNoDiskOfAWorkerCanEverHold(String job) throws Exception {
        register(1L << 40, 1L << 40);
        long need = need(job);
        register(need - 1, need - 1);
        String inPool = job.substring(0, job.length() - 1) + ",\"requirements\":{\"labels\":{\"pool\":\"a\"}}}";
        String pipeline = "{\"type\":\"pipeline\",\"steps\":[{\"name\":\"q\",\"job\":" + job + "}]}";
        for (String asked : List.of(job, inPool, pipeline)) {
            for (String call : List.of("/api/v1/jobs?dryRun=true", "/api/v1/jobs")) {
                var refusal = api.post(call, asked);
                assertProblem(refusal, 422, "disk-too-small");
                assertThat(read(refusal).get("detail").stringValue()).contains(need + " bytes", "has " + (need - 1));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {JOB, CONVERT, EVALUATE})
    void warnsOfWhatHasNoRoomNowAndQueuesIt(String job) throws Exception {
        register(1L << 40, 1L << 40);
        long need = need(job);
        assertThat(warnings(job).toString()).doesNotContain("disk-occupied");
        register(need, need - 1);
        assertThat(warnings(job).toString()).contains("disk-occupied", need + " bytes", "more than " + (need - 1));
        var submitted = api.post("/api/v1/jobs", job);
        assertThat(submitted.statusCode()).as(submitted.body()).isEqualTo(202);
        assertThat(read(submitted).at("/waiting/code").stringValue()).isEqualTo("no-disk");
        assertThat(read(submitted).at("/waiting/detail").stringValue()).contains(need + " bytes");
        register(need, need);
        assertThat(read(api.get("/api/v1/jobs/" + read(submitted).get("id").stringValue()))
                        .at("/waiting/code")
                        .stringValue())
                .isNotEqualTo("no-disk");
    }

    /** One with the right label may be about to start. */
    @Test
    void saysNothingWhereNoLivingWorkerSuitsTheJob() throws Exception {
        register(10, 10);
        String elsewhere = JOB.replace("}", ",\"requirements\":{\"labels\":{\"pool\":\"b\"}}}");
        assertThat(plan(elsewhere).at("/quantization/warnings").toString()).doesNotContain("disk");
        assertThat(api.post("/api/v1/jobs", elsewhere).statusCode()).isEqualTo(202);
        sql.sql("update worker set last_seen_at = now() - interval '1 hour'").update();
        assertThat(api.post("/api/v1/jobs", JOB).statusCode()).isEqualTo(202);
    }

    @Test
    void showsTheDisksOfWorkers() throws Exception {
        register(100, 40);
        assertThat(read(api.get("/api/v1/workers")).at("/items/0/disk").toString())
                .isEqualTo("{\"totalBytes\":100,\"freeBytes\":40}");
    }
}
