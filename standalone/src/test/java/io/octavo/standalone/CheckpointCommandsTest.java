package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.OctavoCommand;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.engine.Engine;
import io.octavo.engine.Engines;
import io.octavo.engine.request.EngineOptions;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.jobs.spec.JobSpecReader;
import io.octavo.jobs.spec.QuantizeSpec;
import io.octavo.jobs.spec.SchemeCatalog;
import io.octavo.jobs.spec.SchemeInfo;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The commands that look at checkpoints and respell them, on folders and against a running service. */
@Timeout(240)
class CheckpointCommandsTest {

    private static final Path MODEL = ProjectFolder.root().resolve("examples/models/books-5m");

    @TempDir
    static Path folder;

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();

    @BeforeAll
    static void quantize() {
        try (Engine engine = Engines.open(new EngineOptions("cpu", 2))) {
            engine.quantize(
                    new QuantizationRequest(
                            MODEL, folder.resolve("fp8"), new Recipe("FP8_DYNAMIC", "compressed-tensors", List.of())),
                    JobMonitor.none());
        }
    }

    private int run(String... arguments) {
        var terminal = new Terminal(new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8), false, 100);
        Map<String, String> environment = Map.of();
        return OctavoCommand.commandLine(
                        terminal,
                        environment,
                        new QuantizeCommand(),
                        new GenerateCommand(),
                        new InspectCommand(),
                        new ReportCommand(),
                        new ConvertCommand())
                .execute(arguments);
    }

    @Test
    void saysWhatACheckpointIsAndRunsAs() {
        assertThat(run("inspect", folder.resolve("fp8").toString())).isZero();
        assertThat(out.toString(UTF_8))
                .contains(
                        "label    W8A8-FP8-dynamic",
                        "layout   compressed-tensors",
                        "group_0: W8A8, weights FP8 per channel, inputs FP8 per token, while the model runs;"
                                + " targets Linear",
                        "modules  28 quantized",
                        "sm_75   Turing: T4, RTX 20",
                        "W8A16",
                        "vLLM     vllm serve " + folder.resolve("fp8"),
                        "warning  below sm_89 inputs stay 16-bit: W8A16")
                .doesNotContain("PROBLEM");
    }

    @Test
    void tellsErrorsByLayer() throws IOException {
        Path chart = folder.resolve("errors.svg");

        assertThat(run("report", folder.resolve("fp8").toString(), "--svg", chart.toString()))
                .isZero();

        assertThat(out.toString(UTF_8)).startsWith("layer  down_proj").contains("    3     2.6");
        assertThat(chart).content(UTF_8).contains("<svg", "fp8: W8A8-FP8-dynamic", "o_proj, layer 3");
        assertThat(run("report", MODEL.toString())).isEqualTo(1);
        assertThat(err.toString(UTF_8)).contains("octavo.json does not exist").contains("[checkpoint-not-found]");
    }

    @Test
    void asksAServiceForTheBestAsTheCommandLineDoes() {
        ObjectNode best = DemoCommand.best("W8A8");

        assertThat(best.path("modifiers").toString())
                .startsWith("[{\"type\":\"smoothquant\"")
                .contains("\"type\":\"gptq\"");
        best.put("type", "quantize")
                .put("source", "hub:a/b")
                .put("scheme", "W8A8")
                .put("target", "a/c");
        var spec = (QuantizeSpec) new JobSpecReader(new SchemeCatalog() {
                    @Override
                    public List<SchemeInfo> schemes() {
                        return List.of();
                    }

                    @Override
                    public List<String> layouts() {
                        return List.of("compressed-tensors");
                    }
                })
                .read(best);
        assertThat(spec.recipe().modifiers()).isEqualTo(Recipe.bestModifiers("W8A8"));
    }

    @ParameterizedTest
    @CsvSource({
        "W8A8, 0, W8A8 is true",
        "FP8_DYNAMIC, 0, is true",
        "W8A16, 1, 'it runs as W8A16 on sm_75, sm_80, sm_86'",
        "INT8, 1, is not true"
    })
    void judgesTags(String tag, int exitCode, String explanation) {
        assertThat(run("inspect", folder.resolve("fp8").toString(), "--tag", tag))
                .isEqualTo(exitCode);
        assertThat(out.toString(UTF_8)).contains(explanation);
    }

    @Test
    void printsJson() {
        assertThat(run("inspect", folder.resolve("fp8").toString(), "--tag", "W8A8", "--json"))
                .isZero();
        JsonNode printed = WireJson.parse(out.toString(UTF_8));
        assertThat(printed.path("label").asString()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(printed.path("executesAs")).hasSize(7);
        assertThat(printed.path("weightBits").asDouble()).isBetween(8.0, 8.2);
        assertThat(printed.at("/tag/configured").booleanValue()).isTrue();
        assertThat(printed.at("/tensors/byType/F8_E4M3/count").asInt()).isEqualTo(28);
        assertThat(printed.path("problem").isNull()).isTrue();
    }

    @Test
    void inspectsUnquantizedModels() {
        assertThat(run("inspect", MODEL.toString(), "--tag", "BF16")).isZero();
        assertThat(out.toString(UTF_8)).contains("label    BF16").doesNotContain("runs as");
    }

    @ParameterizedTest
    @CsvSource({"W8A16-best, 2, nobody knows what BEST says", "W8A8, 1, '[checkpoint-not-found]'"})
    void explainsWhatItCannotAnswer(String tag, int exitCode, String message) {
        Path checkpoint = folder.resolve(exitCode == 1 ? "nowhere" : "fp8");
        assertThat(run("inspect", checkpoint.toString(), "--tag", tag)).isEqualTo(exitCode);
        assertThat(err.toString(UTF_8)).contains(message);
    }

    @Test
    void hasNoScalingFactorsOfWhatIsScaledWhileItRuns() {
        assertThat(run("inspect", folder.resolve("fp8").toString(), "--scaling-factors"))
                .isEqualTo(1);
        assertThat(err.toString(UTF_8)).contains("[scaling-factors-invalid]");
    }

    @Test
    void showsThatAConfigContradictsItsTensors() throws Exception {
        Path spoilt = Files.createDirectories(folder.resolve("spoilt"));
        Files.copy(folder.resolve("fp8/model.safetensors"), spoilt.resolve("model.safetensors"));
        String config = Files.readString(folder.resolve("fp8/config.json"));
        Files.writeString(spoilt.resolve("config.json"), config.replace("\"lm_head\"", "\"re:.*down_proj\""));
        assertThat(run("inspect", spoilt.toString())).isEqualTo(1);
        assertThat(out.toString(UTF_8)).contains("PROBLEM  quantization_config:");
    }

    @Test
    void quantizesAFolder() throws Exception {
        Path target = folder.resolve("mixed");
        int exitCode = run(
                "quantize",
                MODEL.toString(),
                target.toString(),
                "--scheme",
                "W4A16_G64",
                "--override",
                "FP8_DYNAMIC=re:.*down_proj",
                "--ignore",
                "re:.*layers.0.*",
                "--device",
                "cpu",
                "--json");
        assertThat(exitCode).isZero();
        JsonNode printed = WireJson.parse(out.toString(UTF_8));
        assertThat(printed.path("quantizedModules").asInt()).isEqualTo(21);
        assertThat(printed.path("leastSignalToNoiseDb").asDouble()).isBetween(10.0, 40.0);
        assertThat(err.toString(UTF_8)).contains("warning: 56 % of the bytes stay as they are");
        try (Stream<Path> written = Files.list(target)) {
            assertThat(printed.path("files").size()).isEqualTo((int) written.count());
        }
        assertThat(run("inspect", target.toString())).isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "--scheme FP9, 1, [scheme-unknown]",
        "--scheme FP8_DYNAMIC --device tpu, 1, [backend-unavailable]",
        "--scheme FP8, 1, [calibration-missing]",
        "--scheme FP8_DYNAMIC --override W8A16, 2, '--override takes SCHEME=MODULE, not W8A16'",
        "--scheme FP8_DYNAMIC --kv-cache per-page, 2, '--kv-cache takes per-tensor, per-head, int8-per-tensor or int8-per-head, not per-page'",
        "--scheme FP8_DYNAMIC --samples 0, 2, must be at least 1",
        "--scheme W4A16 --modifier gptq, 1, [calibration-missing]",
        "--scheme W4A16 --modifier rounding, 2, '--modifier: type must be one of'",
        "'--scheme W4A16 --modifier {\"type\":\"gptq\",\"dampening\":2}', 2, '--modifier: dampening must be'",
        "--scheme W4A16 --modifier gptq --recipe best, 2, --recipe takes best"
    })
    void saysWhyAFolderCannotBeQuantized(String options, int exitCode, String message) {
        Path target = folder.resolve("never");
        var arguments = new ArrayList<>(List.of("quantize", MODEL.toString(), target.toString()));
        arguments.addAll(List.of(options.split(" ")));
        assertThat(run(arguments.toArray(String[]::new))).isEqualTo(exitCode);
        assertThat(err.toString(UTF_8)).contains(message);
        assertThat(target).doesNotExist();
    }

    @Test
    void goesOnFromAPrompt() {
        String model = folder.resolve("fp8").toString();
        assertThat(run("generate", model, "The old man", "--max-tokens", "8", "--device", "cpu"))
                .isZero();
        String greedy = out.toString(UTF_8);
        assertThat(greedy).startsWith("The old man ");
        out.reset();
        assertThat(run(
                        "generate",
                        model,
                        "The old man",
                        "--max-tokens",
                        "8",
                        "--device",
                        "cpu",
                        "--temperature",
                        "2",
                        "--seed",
                        "7",
                        "--json"))
                .isZero();
        JsonNode drawn = WireJson.parse(out.toString(UTF_8));
        assertThat(drawn.path("newTokens").asInt()).isEqualTo(8);
        assertThat("The old man" + drawn.path("text").asString()).isNotEqualTo(greedy.strip());
    }

    @Test
    void answersAUserWithoutRepeatingTheQuestion() {
        String model = folder.resolve("fp8").toString();
        assertThat(run("generate", model, "Who is there?", "--chat", "--max-tokens", "4", "--device", "cpu"))
                .isZero();
        assertThat(out.toString(UTF_8)).isNotBlank().doesNotContain("Who is there?");
    }

    @ParameterizedTest
    @CsvSource({
        "--top-k 5, 2, temperature 0 takes the most likely token",
        "--temperature 1 --top-p 2, 2, 'topP is 2.0; allowed: above 0, up to 1'",
        "--temperature 1e-9, 2, temperature is 1.0E-9",
        "--max-tokens 0, 2, 1 to 1048576 new tokens",
        "--max-tokens 1000000, 1, [prompt-too-long]",
        "--device tpu, 1, [backend-unavailable]"
    })
    void saysWhyItCannotGoOn(String options, int exitCode, String message) {
        var arguments =
                new ArrayList<>(List.of("generate", folder.resolve("fp8").toString(), "The old man"));
        arguments.addAll(List.of(options.split(" ")));
        assertThat(run(arguments.toArray(String[]::new))).isEqualTo(exitCode);
        assertThat(err.toString(UTF_8)).contains(message);
    }

    @Test
    void convertsAFolderAndRefusesWhatALayoutCannotHold() {
        Path target = folder.resolve("modelopt");
        assertThat(run("convert", folder.resolve("fp8").toString(), "--layout", "modelopt", target.toString()))
                .isZero();
        assertThat(out.toString(UTF_8)).contains("W8A8-FP8-dynamic from compressed-tensors, 28 modules");
        assertThat(target.resolve("hf_quant_config.json")).exists();
        assertThat(run("inspect", target.toString(), "--tag", "FP8-dynamic")).isZero();
        assertThat(run("convert", folder.resolve("fp8").toString(), "--layout", "awq", target + "-awq"))
                .isEqualTo(1);
        assertThat(err.toString(UTF_8)).contains("[layout-unsuitable]");
    }

    /** The same against a service: headers only, and a job. */
    @Test
    void worksOnRepositories() throws Exception {
        try (Standalone service = Standalone.start(new StandaloneOptions(folder.resolve("home"), 0, List.of()))) {
            String server = service.baseUrl();
            String home = folder.resolve("home").toString();
            assertThat(run("push", folder.resolve("fp8").toString(), "octavo/fp8", "--server", server, "--home", home))
                    .isZero();
            assertThat(run("inspect", "hub:octavo/fp8", "--tag", "W8A8", "--server", server, "--home", home))
                    .isZero();
            assertThat(out.toString(UTF_8)).contains("label    W8A8-FP8-dynamic", "modules  28 quantized");
            assertThat(run(
                            "convert",
                            "hub:octavo/fp8",
                            "--layout",
                            "modelopt",
                            "octavo/fp8-modelopt",
                            "--server",
                            server,
                            "--home",
                            home))
                    .as(err.toString(UTF_8))
                    .isZero();
            assertThat(out.toString(UTF_8)).contains("sourceLayout");
            String artifact = WireJson.parse(
                            out.toString(UTF_8).substring(out.toString(UTF_8).lastIndexOf("\n{") + 1))
                    .path("artifactId")
                    .asString();
            assertThat(run("artifact", artifact, "--server", server, "--home", home))
                    .isZero();
            assertThat(out.toString(UTF_8)).contains("runs as  W8A8 on sm_89, sm_90, sm_100, sm_120", "warning");
            out.reset();
            assertThat(run("inspect", "hub:octavo/fp8-modelopt", "--json", "--server", server, "--home", home))
                    .isZero();
            assertThat(WireJson.parse(out.toString(UTF_8)).path("layout").asString())
                    .isEqualTo("modelopt");
        }
    }
}
