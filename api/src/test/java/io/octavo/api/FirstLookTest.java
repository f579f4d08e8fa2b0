package io.octavo.api;

import static io.octavo.api.TestApi.assertProblem;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Targets and sources of every kind of job are judged before it is queued, and a dry run says the same. */
@Timeout(120)
@ServiceTest
class FirstLookTest extends RunningService {

    private static final String PIPELINE =
            "{'type':'pipeline','steps':[{'name':'one','job':%s},{'name':'two','needs':['one'],'job':%s}]}";

    private TestApi api;

    @BeforeEach
    void start() throws Exception {
        api = operator();
        sql.sql("truncate worker").update();
        TestWorker.register(workers);
        if (api.get("/api/v1/repositories/look/model").statusCode() == 404) {
            api.commitModel("look/model");
            commit("look/fp8", TinyModel.FP8);
            commit("look/compressed", TinyModel.COMPRESSED);
            api.commitRunnableModel("look/runnable");
            commitData();
        }
    }

    private void commit(String repository, String config) throws Exception {
        api.commit(
                repository,
                Map.of("config.json", TestApi.bytes(config), "model.safetensors", TinyModel.weights("F8_E4M3")));
    }

    private void commitData() throws Exception {
        api.commit(
                "look/words",
                Map.of(
                        "config.json",
                        TestApi.bytes(TinyModel.RUNNABLE.replace("\"vocab_size\": 16", "\"vocab_size\": 17")),
                        "model.safetensors",
                        TinyModel.weights("BF16"),
                        "tokenizer.json",
                        TestApi.bytes("{}")));
        var zipped = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(zipped)) {
            gzip.write(TestApi.bytes("a text"));
        }
        Map<String, byte[]> texts = new HashMap<>();
        texts.put("empty.txt", new byte[0]);
        texts.put("blank.txt", TestApi.bytes(" \n\t\n"));
        texts.put("gzip.txt", zipped.toByteArray());
        texts.put("weights.txt", TinyModel.weights("BF16"));
        texts.put("utf16.txt", "a text".getBytes(StandardCharsets.UTF_16));
        texts.put("latin1.txt", "déjà".getBytes(StandardCharsets.ISO_8859_1));
        texts.put("zero.txt", TestApi.bytes("a\0b"));
        texts.put("good.txt", TestApi.bytes("déjà vu"));
        texts.put("bad.jsonl", TestApi.bytes("{\"text\":\"a\"}\na text\n"));
        texts.put("good.jsonl", TestApi.bytes("{\"text\":\"a\"}\n"));
        texts.put("two.jsonl", TestApi.bytes("{\"text\":\"a\"}\n\n{\"text\":\"b\"}"));
        // So that what is looked at ends within a line, and within a character.
        texts.put("long.jsonl", TestApi.bytes("{\"text\":\"" + "€".repeat(50_000) + "\"}\n"));
        api.commit("look/texts", texts);
        byte[] questions = TestApi.bytes("Is it?,yes,no,may be,never,A\n");
        api.commit(
                "look/questions",
                Map.of(
                        "good/art_test.csv", questions,
                        "good/art_dev.csv", questions,
                        "bad/art_test.csv", questions,
                        "bad/art_dev.csv", questions,
                        "bad/law_test.csv", new byte[0],
                        "bad/law_dev.csv", questions));
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

    private JsonNode plans(String job) throws Exception {
        HttpResponse<String> planned = api.post("/api/v1/jobs?dryRun=true", job.replace('\'', '"'));
        assertThat(planned.statusCode()).as(planned.body()).isEqualTo(200);
        return TestApi.read(planned);
    }

    @ParameterizedTest
    @CsvSource({"true, true", "true, false", "false, true", "false, false"})
    void noStepWritesIntoWhatItReadsOfAnother(boolean quantizesFirst, boolean quantizesThen) throws Exception {
        String first = quantizesFirst ? quantize("hub:look/model", "look/a") : convert("hub:look/fp8", "look/a");
        String same = quantizesThen ? quantize("step:one", "look/a") : convert("step:one", "look/a");
        refuses(PIPELINE.formatted(first, same), 422, "target-is-source");
        String another =
                same.replace("look/a", "look/b").replace("compressed-tensors", quantizesFirst ? "modelopt" : "fp8");
        if (quantizesThen) {
            refuses(PIPELINE.formatted(first, another), 422, "already-quantized");
        } else {
            plans(PIPELINE.formatted(first, another));
        }
    }

    @Test
    void noTwoStepsWriteIntoOneRepository() throws Exception {
        String quantize = quantize("hub:look/model", "look/a");
        for (String other : List.of(quantize, convert("hub:look/fp8", "look/a"))) {
            refuses(PIPELINE.formatted(quantize, other), 422, "pipeline-target-duplicate");
            refuses(PIPELINE.formatted(other, quantize), 422, "pipeline-target-duplicate");
            plans(PIPELINE.formatted(quantize, other.replace("look/a", "look/b")));
        }
    }

    /** Of which nothing is there yet: a quantizing step's recipe tells, or the config of what is converted first. */
    @ParameterizedTest
    @ValueSource(strings = {"hub:look/model", "hub:look/fp8"})
    void aConversionOfAConversionIsJudgedLikewise(String source) throws Exception {
        boolean quantizes = source.endsWith("model");
        String first = quantizes ? quantize(source, "look/a") : convert(source, "look/a");
        String then = convert("step:one", "look/b").replace("compressed-tensors", quantizes ? "modelopt" : "fp8");
        String pipeline = PIPELINE.replace("]}", ",{'name':'three','needs':['two'],'job':%s}]}");
        String last = convert("step:two", "look/c");
        plans(pipeline.formatted(first, then, last));
        String same = quantizes ? "modelopt" : "fp8";
        refuses(pipeline.formatted(first, then, last.replace("compressed-tensors", same)), 422, "layout-unsuitable");
        refuses(pipeline.formatted(first, then, last.replace("compressed-tensors", "awq")), 422, "layout-unsuitable");
        refuses(pipeline.formatted(first, then, quantize("step:two", "look/c")), 422, "already-quantized");
    }

    private static final String EVALUATE = "{'type':'evaluate','source':'hub:look/runnable','tasks':[%s]}";

    @ParameterizedTest
    @ValueSource(strings = {"empty.txt", "blank.txt", "gzip.txt", "weights.txt", "utf16.txt", "latin1.txt", "zero.txt"})
    void noJobReadsDataThatAreNoText(String file) throws Exception {
        String data = "'dataset':'hub:look/texts#" + file + "'";
        for (String job : List.of(
                quantize("hub:look/model", "look/a").replace("}", ",'calibration':{" + data + "}}"),
                EVALUATE.formatted("{'type':'perplexity','windowTokens':8," + data + "}"),
                EVALUATE.formatted("{'type':'multiple-choice'," + data + "}"))) {
            refuses(job, 422, "dataset-invalid");
            refuses(PIPELINE.formatted(quantize("hub:look/model", "look/x"), job), 422, "dataset-invalid");
            plans(job.replace(file, "good.txt"));
        }
    }

    @Test
    void noJobReadsLinesThatAreNoJson() throws Exception {
        String task = "{'type':'perplexity','windowTokens':8,'dataset':'hub:look/texts#%s'}";
        refuses(EVALUATE.formatted(task.formatted("bad.jsonl")), 422, "dataset-invalid");
        plans(EVALUATE.formatted(task.formatted("good.jsonl")));
        plans(EVALUATE.formatted(task.formatted("long.jsonl")));
    }

    @Test
    void noSubjectOfAFolderOfQuestionsIsEmpty() throws Exception {
        String task = "{'type':'multiple-choice','format':'mmlu-csv','dataset':'hub:look/questions#%s'}";
        refuses(EVALUATE.formatted(task.formatted("bad")), 422, "dataset-invalid");
        plans(EVALUATE.formatted(task.formatted("good")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{'type':'perplexity','windowTokens':65,'dataset':'hub:look/texts#good.txt'}; dataset-invalid",
                "{'type':'perplexity','windows':'rolling','windowTokens':65,'dataset':'hub:look/texts#good.txt'}; dataset-invalid",
                "{'type':'perplexity','dataset':'hub:look/texts#good.txt'}; dataset-invalid",
                "{'type':'perplexity','windowTokens':64,'dataset':'hub:look/texts#good.txt'};",
                "{'type':'generation','prompt':'a','maxTokens':64}; prompt-too-long",
                "{'type':'generation','prompt':'a','maxTokens':63};"
            })
    void noTaskTakesMoreTokensThanTheModelHasPositions(String task, String code) throws Exception {
        if (code == null) {
            plans(EVALUATE.formatted(task));
        } else {
            refuses(EVALUATE.formatted(task), 422, code);
        }
    }

    @ParameterizedTest
    @CsvSource({"60, 4,", "60, 5, prompt-too-long", "64, 1, prompt-too-long"})
    void noLoadTakesMoreTokensThanTheModelHasPositions(int input, int output, String code) throws Exception {
        String job = "{'type':'benchmark','source':'hub:look/runnable','baseline':'hub:look/runnable',"
                + "'inputTokens':{'type':'uniform','min':1,'max':" + input
                + "},'outputTokens':{'type':'fixed','tokens':" + output + "}}";
        if (code == null) {
            plans(job);
        } else {
            refuses(job, 422, code);
        }
    }

    @Test
    void noDivergenceComparesModelsOfOtherTokens() throws Exception {
        String job = EVALUATE.replace("'tasks'", "'baseline':'hub:look/words','tasks'");
        String divergence = "{'type':'divergence','windowTokens':8,'dataset':'hub:look/texts#good.txt'}";
        refuses(job.formatted(divergence), 422, "baseline-incompatible");
        plans(job.formatted(divergence).replace("hub:look/words", "hub:look/runnable"));
        plans(job.formatted(divergence.replace("divergence", "perplexity")));
    }

    @ParameterizedTest
    @CsvSource({"good.txt, 1, false", "good.txt, 2, true", "two.jsonl, 2, false", "two.jsonl, 3, true"})
    void tellsWhereDataHoldFewerTextsThanAreAskedFor(String file, int samples, boolean few) throws Exception {
        String job = quantize("hub:look/model", "look/a")
                .replace("}", ",'calibration':{'dataset':'hub:look/texts#" + file + "','samples':" + samples + "}}");
        String warnings = plans(job).at("/quantization/warnings").toString();
        assertThat(warnings.contains("few-samples")).as(warnings).isEqualTo(few);
    }

    @Test
    void tellsOfAJobThatNoLivingWorkerCanRun() throws Exception {
        String quantize = quantize("hub:look/model", "look/a").replace("}", ",'device':'cuda'}");
        String evaluate = EVALUATE.formatted("{'type':'generation','prompt':'a','maxTokens':8}")
                .replaceFirst("\\{", "{'device':'cuda',");
        assertThat(plans(quantize).at("/quantization/warnings").toString()).contains("no-worker-fits", "a cuda device");
        assertThat(plans(evaluate).get("warnings").toString()).contains("no-worker-fits", "a cuda device");
        assertThat(plans(quantize.replace("cuda", "cpu")).toString()).doesNotContain("no-worker-fits");
        sql.sql("update worker set device_kind = 'cuda'").update();
        assertThat(plans(quantize).toString()).doesNotContain("no-worker-fits");
        assertThat(plans(evaluate).toString()).doesNotContain("no-worker-fits");
    }

    @Test
    void onlyWhatIsQuantizedIsConvertedAndOnlyIntoAnotherLayout() throws Exception {
        refuses(convert("hub:look/model", "look/a"), 422, "layout-unsuitable");
        String same = convert("hub:look/compressed", "look/a");
        refuses(same, 422, "layout-unsuitable");
        refuses(PIPELINE.formatted(quantize("hub:look/model", "look/b"), same), 422, "layout-unsuitable");
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
