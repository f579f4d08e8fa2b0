package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.jobs.worker.WorkerRegistry;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.jdbc.core.simple.JdbcClient;

/** Targets and sources of every kind of job are judged before it is queued, and a dry run says the same. */
@Timeout(120)
@ServiceTest
class FirstLookTest {

    private static final String PIPELINE =
            "{'type':'pipeline','steps':[{'name':'one','job':%s},{'name':'two','needs':['one'],'job':%s}]}";

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
        TestWorker.register(workers);
        if (api.get("/api/v1/repositories/look/model").statusCode() == 404) {
            api.commitModel("look/model");
            commit("look/fp8", TinyModel.FP8);
            commit("look/compressed", TinyModel.COMPRESSED);
        }
    }

    private void commit(String repository, String config) throws Exception {
        api.commit(
                repository,
                Map.of("config.json", TestApi.bytes(config), "model.safetensors", TinyModel.weights("F8_E4M3")));
    }

    private void refuses(String job, int status, String code) throws Exception {
        for (String call : List.of("/api/v1/jobs?dryRun=true", "/api/v1/jobs")) {
            assertProblem(api.post(call, job.replace('\'', '"')), status, code);
        }
    }

    private static String quantize(String source, String target) {
        return "{'type':'quantize','source':'%s','scheme':'FP8_DYNAMIC','target':'%s'}".formatted(source, target);
    }

    private static String convert(String source, String target) {
        return "{'type':'convert','source':'%s','layout':'compressed-tensors','target':'%s'}".formatted(source, target);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hub:look/model", "hub:look/model@main"})
    void noJobWritesIntoTheRepositoryThatItReads(String source) throws Exception {
        refuses(quantize(source, "look/model"), 422, "target-is-source");
        refuses(convert(source, "look/model"), 422, "target-is-source");
        String other = quantize("hub:look/model", "look/a");
        refuses(PIPELINE.formatted(other, quantize(source, "look/model")), 422, "target-is-source");
        refuses(PIPELINE.formatted(other, convert(source, "look/model")), 422, "target-is-source");
    }

    /** Neither another model nor data, whichever step reads them and whichever writes. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'type':'quantize','source':'hub:look/model','scheme':'FP8_DYNAMIC','target':'look/%s','calibration':{'dataset':'hub:look/data#books.txt'}}",
                "{'type':'evaluate','source':'hub:look/model','tasks':[{'type':'perplexity','dataset':'hub:look/data#books.txt'}]}",
                "{'type':'evaluate','source':'hub:look/model','tasks':[{'type':'multiple-choice','format':'mmlu-csv','dataset':'hub:look/data'}]}",
                "{'type':'evaluate','source':'hub:look/model','baseline':'hub:look/data','tasks':[{'type':'generation','prompt':'a'}]}",
                "{'type':'benchmark','source':'hub:look/model','baseline':'hub:look/data','inputTokens':{'type':'fixed','tokens':8},'outputTokens':{'type':'fixed','tokens':8}}",
                "{'type':'convert','source':'hub:look/data','layout':'compressed-tensors','target':'look/%s'}"
            })
    void noJobWritesIntoARepositoryThatAnyOfItsStepsReads(String reads) throws Exception {
        String elsewhere = reads.replace("%s", "b");
        if (reads.contains("%s")) {
            refuses(reads.replace("%s", "data"), 422, "target-is-source");
            refuses(
                    PIPELINE.formatted(quantize("hub:look/model", "look/a"), reads.replace("%s", "data")),
                    422,
                    "target-is-source");
        }
        refuses(PIPELINE.formatted(quantize("hub:look/model", "look/data"), elsewhere), 422, "target-is-source");
        refuses(PIPELINE.formatted(elsewhere, quantize("hub:look/model", "look/data")), 422, "target-is-source");
        String apart = PIPELINE.formatted(quantize("hub:look/model", "look/a"), elsewhere);
        refuses(apart, 422, "source-not-found");
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void noStepWritesIntoWhatItReadsOfAnother(boolean quantizesFirst, boolean quantizesThen) throws Exception {
        String first = quantizesFirst ? quantize("hub:look/model", "look/a") : convert("hub:look/fp8", "look/a");
        String same = quantizesThen ? quantize("step:one", "look/a") : convert("step:one", "look/a");
        refuses(PIPELINE.formatted(first, same), 422, "target-is-source");
        String another = same.replace("look/a", "look/b").replace("compressed-tensors", "modelopt");
        var planned = api.post(
                "/api/v1/jobs?dryRun=true", PIPELINE.formatted(first, another).replace('\'', '"'));
        assertThat(planned.statusCode()).as(planned.body()).isEqualTo(200);
    }

    @Test
    void onlyWhatIsQuantizedIsConvertedAndOnlyIntoAnotherLayout() throws Exception {
        refuses(convert("hub:look/model", "look/a"), 422, "layout-unsuitable");
        String same = convert("hub:look/compressed", "look/a");
        refuses(same, 422, "layout-unsuitable");
        refuses(PIPELINE.formatted(quantize("hub:look/model", "look/a"), same), 422, "layout-unsuitable");
        var planned = api.post(
                "/api/v1/jobs?dryRun=true", convert("hub:look/fp8", "look/a").replace('\'', '"'));
        assertThat(planned.statusCode()).as(planned.body()).isEqualTo(200);
    }

    /** By what configs and recipes say; whether every number fits shows in the tensors alone. */
    @Test
    void noConversionIsQueuedIntoALayoutThatCannotSayWhatTheConfigDeclares() throws Exception {
        for (String layout : List.of("awq", "gptq", "gptq_v2")) {
            for (String source : List.of("hub:look/fp8", "hub:look/compressed")) {
                refuses(convert(source, "look/a").replace("compressed-tensors", layout), 422, "layout-unsuitable");
            }
            String then = convert("step:one", "look/b").replace("compressed-tensors", layout);
            refuses(PIPELINE.formatted(quantize("hub:look/model", "look/a"), then), 422, "layout-unsuitable");
        }
        String again = convert("step:one", "look/b");
        refuses(PIPELINE.formatted(quantize("hub:look/model", "look/a"), again), 422, "layout-unsuitable");
    }

    @Test
    void noJobReadsAFolderThatNoLivingWorkerReads() throws Exception {
        String folder = "file:/etc";
        String model = "hub:look/model";
        List<String> jobs = List.of(
                quantize(folder, "look/a"),
                convert(folder, "look/a"),
                quantize(model, "look/a").replace("}", ",'calibration':{'dataset':'" + folder + "/passwd'}}"),
                "{'type':'evaluate','source':'step:one','tasks':[{'type':'perplexity','dataset':'file:/etc/passwd'}]}");
        for (String job : jobs.subList(0, 3)) {
            refuses(job, 403, "source-not-allowed");
        }
        refuses(PIPELINE.formatted(quantize(model, "look/a"), jobs.getLast()), 403, "source-not-allowed");
        sql.sql("update worker set folders = '[\"/etc\"]'").update();
        var planned = api.post("/api/v1/jobs?dryRun=true", jobs.getFirst().replace('\'', '"'));
        assertThat(planned.statusCode()).as(planned.body()).isEqualTo(200);
        refuses(quantize("file:/etc/../root", "look/a"), 403, "source-not-allowed");
        refuses(quantize("file:/etcetera", "look/a"), 403, "source-not-allowed");
        sql.sql("update worker set folders = null").update();
        planned = api.post("/api/v1/jobs?dryRun=true", jobs.getFirst().replace('\'', '"'));
        assertThat(planned.statusCode()).as("a worker that does not tell").isEqualTo(200);
    }

    @ParameterizedTest
    @ValueSource(strings = {"s3://nobody/data", "s3://octavo/blobs"})
    void noJobReadsABucketThatNobodyAllowed(String source) throws Exception {
        String evaluate = "{'type':'evaluate','source':'%s','tasks':[{'type':'perplexity','dataset':'%s'}]%s}";
        String model = "hub:look/model";
        String data = "hub:look/model#config.json";
        for (String job : List.of(
                quantize(source, "look/a"),
                convert(source, "look/a"),
                quantize(model, "look/a").replace("}", ",'calibration':{'dataset':'" + source + "'}}"),
                evaluate.formatted(source, data, ""),
                evaluate.formatted(model, source, ""),
                evaluate.formatted(model, data, ",'baseline':'" + source + "'"),
                PIPELINE.formatted(quantize(model, "look/a"), convert(source, "look/b")),
                PIPELINE.formatted(quantize(model, "look/a"), evaluate.formatted("step:one", source, "")))) {
            refuses(job, 403, "source-not-allowed");
        }
    }
}
