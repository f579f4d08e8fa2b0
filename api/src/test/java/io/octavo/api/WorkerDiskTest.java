package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static io.octavo.api.TestApi.read;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.queue.WorkerIdentity;
import io.octavo.jobs.spec.SchemeInfo;
import io.octavo.jobs.worker.WorkerDescription;
import io.octavo.jobs.worker.WorkerDisk;
import io.octavo.jobs.worker.WorkerOffer;
import io.octavo.jobs.worker.WorkerRegistry;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/** The first look at a job knows the disks of the workers. */
@Timeout(120)
@ServiceTest
class WorkerDiskTest {

    private static final String JOB = """
            {"type":"quantize","source":"hub:disk/model","scheme":"FP8_DYNAMIC","target":"disk/out"}""";
    private static final String IN_POOL = JOB.replace("}", ",\"requirements\":{\"labels\":{\"pool\":\"a\"}}}");
    private static final String PIPELINE = "{\"type\":\"pipeline\",\"steps\":[{\"name\":\"q\",\"job\":" + JOB + "}]}";

    @LocalServerPort
    int port;

    @Autowired
    WorkerRegistry workers;

    @Autowired
    JdbcClient sql;

    private TestApi api;

    @BeforeEach
    void start() throws Exception {
        api = new TestApi(port, ApiTest.KEY);
        sql.sql("truncate worker").update();
        if (api.get("/api/v1/repositories/disk/model").statusCode() == 404) {
            api.commitModel("disk/model");
        }
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

    private long need() throws Exception {
        return plan(JOB).at("/quantization/resources/diskBytes").longValue();
    }

    private JsonNode plan(String job) throws Exception {
        var answer = api.post("/api/v1/jobs?dryRun=true", job);
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return read(answer);
    }

    @Test
    void refusesWhatNoDiskOfAWorkerCanEverHold() throws Exception {
        register(1L << 40, 1L << 40);
        long need = need();
        register(need - 1, need - 1);
        for (String job : List.of(JOB, IN_POOL, PIPELINE)) {
            for (String call : List.of("/api/v1/jobs?dryRun=true", "/api/v1/jobs")) {
                var refusal = api.post(call, job);
                assertProblem(refusal, 422, "disk-too-small");
                assertThat(read(refusal).get("detail").stringValue()).contains(need + " bytes", "has " + (need - 1));
            }
        }
    }

    @Test
    void warnsOfWhatHasNoRoomNowAndQueuesIt() throws Exception {
        register(1L << 40, 1L << 40);
        long need = need();
        assertThat(plan(JOB).at("/quantization/warnings").toString()).doesNotContain("disk-occupied");
        register(need, need - 1);
        assertThat(plan(JOB).at("/quantization/warnings").toString())
                .contains("disk-occupied", need + " bytes", "more than " + (need - 1));
        var submitted = api.post("/api/v1/jobs", JOB);
        assertThat(submitted.statusCode()).as(submitted.body()).isEqualTo(202);
        assertThat(read(submitted).at("/waiting/code").stringValue()).isEqualTo("no-disk");
        assertThat(read(submitted).at("/plan/resources/diskBytes").longValue()).isEqualTo(need);
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
