package io.octavo.standalone;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.cli.OctavoCommand;
import io.octavo.cli.client.WireJson;
import io.octavo.cli.terminal.Terminal;
import io.octavo.engine.checkpoint.Checkpoint;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The demo as a person runs it, through every part of the service. */
@Timeout(240)
class DemoCommandTest {

    private static final int TEXTS = 8;
    private static final int CHARACTERS = 1500;

    @TempDir
    Path folder;

    @Test
    void calibratesARecipeOfSeveralSchemes() throws IOException {
        String recipe = WireJson.pretty(Map.of(
                "calibration",
                Map.of("dataset", "file:" + calibrationTexts(), "samples", TEXTS, "sequenceLength", 128, "seed", 0),
                "overrides",
                List.of(Map.of("scheme", "W4A16_G32", "targets", List.of("re:.*\\.mlp\\.down_proj"))),
                "kvCache",
                Map.of("type", "fp8", "granularity", "tensor")));

        JsonNode facts = demo("--scheme", "FP8", "--recipe", recipe);

        assertThat(facts.path("verified").booleanValue()).isTrue();
        assertThat(facts.path("evaluation").isObject()).isTrue();
        try (Checkpoint artifact =
                Checkpoint.open(Path.of(facts.path("artifactDir").stringValue()))) {
            assertThat(artifact.names())
                    .contains(
                            "model.layers.0.self_attn.q_proj.weight_scale",
                            "model.layers.0.self_attn.q_proj.input_scale",
                            "model.layers.0.self_attn.k_scale",
                            "model.layers.0.self_attn.v_scale",
                            "model.layers.0.mlp.down_proj.weight_packed")
                    .doesNotContain("model.layers.0.mlp.down_proj.input_scale");
        }
    }

    private JsonNode demo(String... arguments) throws IOException {
        Path facts = folder.resolve("facts.json");
        var line = new ArrayList<>(List.of("demo", "--json", facts.toString()));
        line.addAll(List.of("--home", folder.resolve("home").toString()));
        line.addAll(List.of(arguments));
        var said = new ByteArrayOutputStream();
        var stream = new PrintStream(said, true, UTF_8);
        var terminal = new Terminal(stream, stream, false, 100);
        int exit =
                OctavoCommand.commandLine(terminal, Map.of(), new DemoCommand()).execute(line.toArray(String[]::new));
        assertThat(exit).as(said.toString(UTF_8)).isZero();
        return WireJson.parse(Files.readString(facts));
    }

    private Path calibrationTexts() throws IOException {
        String book = Files.readString(ProjectFolder.root().resolve("examples/data/books-heldout.txt"));
        var lines = new ArrayList<String>();
        for (int i = 0; i < TEXTS; i++) {
            var line = Map.of("text", book.substring(i * CHARACTERS, (i + 1) * CHARACTERS));
            lines.add(JsonMapper.shared().writeValueAsString(line));
        }
        return Files.write(folder.resolve("calibration.jsonl"), lines);
    }
}
