package io.octavo.cli.demo;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.cli.CommandFailedException;
import io.octavo.cli.client.FakeService;
import io.octavo.cli.client.OctavoClient;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.command.UsageException;
import io.octavo.cli.terminal.LiveProgress;
import io.octavo.cli.terminal.Terminal;
import io.octavo.wire.RepositoryFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class DemoTest {

    private static final String ARTIFACT = UUID.randomUUID().toString();
    private static final String TARGET = "octavo/tiny-FP8-Dynamic";

    @TempDir
    private Path folder;

    private final FakeService service;
    private final OctavoClient client;
    private final ObjectNode recipe = JsonNodeFactory.instance.objectNode();
    private boolean verified = true;
    private JsonNode evaluationProblem = JsonNodeFactory.instance.nullNode();

    DemoTest() throws IOException {
        service = new FakeService();
        client = service.client();
        service.work(this::work);
    }

    @BeforeEach
    void writeModel() throws IOException {
        Path model = Files.createDirectories(folder.resolve("tiny"));
        Files.writeString(model.resolve("config.json"), "{\"dtype\":\"bfloat16\",\"max_position_embeddings\":256}");
        Files.writeString(model.resolve("model.safetensors"), "weights");
        Files.writeString(model.resolve("tokenizer.json"), "{}");
        Path data = Files.createDirectories(folder.resolve("data"));
        Files.writeString(data.resolve("books-heldout.txt"), "text");
    }

    @AfterEach
    void close() {
        client.close();
        service.close();
    }

    @Test
    void showsTheOriginalBesideTheArtifact() throws Exception {
        DemoFacts facts = run("FP8_DYNAMIC");

        assertThat(facts.verified()).isTrue();
        assertThat(Path.of(facts.artifactDir(), "model.safetensors")).hasContent("quantized");
        assertThat(DemoTable.render(facts))
                .contains("tiny, quantized to FP8_DYNAMIC")
                .containsPattern("size +10\\.1 MB +5\\.2 MB +-48\\.51 %")
                .containsPattern("weights +16 bits +8\\.06 bits")
                .containsPattern("perplexity +48\\.80 +49\\.00 +\\+0\\.41 %")
                .containsPattern("cloze accuracy +60\\.0 % +59\\.0 % +-1\\.00 points")
                .containsPattern("label +W8A8-FP8")
                .containsPattern("quantized +saw the black beard");
        assertThat(WireJson.parse(WireJson.pretty(facts)).path("artifactDir").asString(""))
                .isEqualTo(facts.artifactDir());
    }

    @Test
    void asksForWindowsThatTheModelCanHold() throws Exception {
        run("FP8_DYNAMIC");

        assertThat(service.submitted
                        .get(1)
                        .path("tasks")
                        .get(0)
                        .path("windowTokens")
                        .asInt(0))
                .isEqualTo(255);
    }

    @Test
    void passesTheRecipeOn() throws Exception {
        recipe.putArray("ignore").add("lm_head");

        run("FP8_DYNAMIC");

        assertThat(service.submitted.getFirst().path("ignore").get(0).asString(""))
                .isEqualTo("lm_head");
        assertThat(service.submitted.getFirst().path("target").asString("")).isEqualTo(TARGET);
    }

    @Test
    void refusesARecipeThatSetsWhatTheDemoSets() {
        recipe.put("scheme", "W8A16");

        assertThatThrownBy(() -> run("FP8_DYNAMIC"))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("'scheme' is set by the demo itself");
    }

    @Test
    void refusesASchemeThatTheServiceDoesNotKnowBeforeAnythingIsSent() {
        assertThatThrownBy(() -> run("W1A1"))
                .isInstanceOf(UsageException.class)
                .hasMessage("--scheme: 'W1A1' is not known; there are FP8_DYNAMIC, W8A16");
        assertThat(service.count("PUT")).isZero();
    }

    @Test
    void refusesAFolderThatIsNotACheckpoint() throws Exception {
        Files.delete(folder.resolve("tiny/model.safetensors"));

        assertThatThrownBy(() -> run("FP8_DYNAMIC"))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("has no .safetensors file");
    }

    @Test
    void quantizesAModelWithoutTokenizerAndSaysWhyItIsNotScored() throws Exception {
        Files.delete(folder.resolve("tiny/tokenizer.json"));

        DemoFacts facts = run("FP8_DYNAMIC");

        assertThat(facts.verified()).isTrue();
        assertThat(facts.evaluation()).isNull();
        assertThat(DemoTable.render(facts)).containsPattern("not evaluated +the model has no tokenizer.json");
    }

    @Test
    void quantizesAnArchitectureThatCannotBeScored() throws Exception {
        evaluationProblem =
                WireJson.parse("{\"code\":\"architecture-unsupported\",\"detail\":\"MambaForCausalLM is not known\"}");

        DemoFacts facts = run("FP8_DYNAMIC");

        assertThat(facts.evaluationSkipped()).isEqualTo("MambaForCausalLM is not known [architecture-unsupported]");
    }

    @Test
    void failsWhenTheEvaluationFailsForAnotherReason() {
        evaluationProblem = WireJson.parse("{\"code\":\"out-of-memory\",\"detail\":\"no memory\"}");

        assertThatThrownBy(() -> run("FP8_DYNAMIC"))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageContaining("no memory [out-of-memory]");
    }

    @Test
    void saysSoWhenTheSelfCheckDidNotPass() throws Exception {
        verified = false;

        DemoFacts facts = run("FP8_DYNAMIC");

        assertThat(facts.verified()).isFalse();
        assertThat(DemoTable.render(facts)).containsPattern("verified +NO");
    }

    @Test
    void failsWhenTheRevisionIsNotTheArtifact() {
        service.work(job -> {
            work(job);
            service.artifacts.values().forEach(artifact -> artifact.putArray("files"));
        });

        assertThatThrownBy(() -> run("FP8_DYNAMIC"))
                .isInstanceOf(CommandFailedException.class)
                .hasMessageContaining("does not hold the files of artifact");
    }

    private DemoFacts run(String scheme) throws IOException, InterruptedException {
        var stream = new PrintStream(new ByteArrayOutputStream(), true, UTF_8);
        try (var progress = new LiveProgress(new Terminal(stream, stream, false, 100))) {
            return new Demo(client, progress)
                    .run(new DemoOptions(
                            folder.resolve("tiny"),
                            folder.resolve("data"),
                            scheme,
                            recipe,
                            folder.resolve("artifacts")));
        }
    }

    private void work(ObjectNode job) {
        if (job.path("type").asString("").equals("quantize")) {
            quantize(job);
        } else if (evaluationProblem.isNull()) {
            job.put("status", "SUCCEEDED").set("result", WireJson.parse("""
                    {"source":{"label":"W8A8-FP8","tasks":[
                       {"type":"perplexity","name":"books","windows":40,"perplexity":49.0,"seconds":1.5},
                       {"type":"multiple-choice","name":"cloze","items":100,"accuracy":0.59,"seconds":1.0},
                       {"type":"generation","name":"sample","prompt":"The old man","text":" saw the\\nblack beard"}]},
                     "baseline":{"label":"BF16","tasks":[
                       {"type":"perplexity","name":"books","windows":40,"perplexity":48.8,"seconds":1.5},
                       {"type":"multiple-choice","name":"cloze","items":100,"accuracy":0.6,"seconds":1.0},
                       {"type":"generation","name":"sample","prompt":"The old man","text":" saw the old man"}]},
                     "peakRssBytes":600000000}"""));
        } else {
            job.put("status", "FAILED").set("problem", evaluationProblem);
        }
    }

    private void quantize(ObjectNode job) {
        String revision = service.commit(TARGET, Map.of("model.safetensors", "quantized".getBytes(UTF_8)));
        List<RepositoryFile> files = service.files(TARGET, revision);
        ObjectNode artifact = JsonNodeFactory.instance
                .objectNode()
                .put("id", ARTIFACT)
                .put("repository", TARGET)
                .put("revision", revision)
                .put("uri", "hub:" + TARGET + "@" + revision)
                .put("label", "W8A8-FP8")
                .put("weightBits", 8.0625)
                .put("sizeBytes", 9)
                .put("createdAt", "2026-01-01T00:00:00Z");
        artifact.set("files", WireJson.parse(WireJson.pretty(files)));
        artifact.putObject("report").putObject("verification").put("passed", verified);
        service.artifacts.put(ARTIFACT, artifact);
        job.put("status", "SUCCEEDED")
                .putObject("result")
                .put("artifactId", ARTIFACT)
                .put("quantizedModules", 28)
                .put("inputBytes", 10_100_000)
                .put("outputBytes", 5_200_000)
                .put("seconds", 0.4)
                .put("peakRssBytes", 500_000_000);
    }
}
