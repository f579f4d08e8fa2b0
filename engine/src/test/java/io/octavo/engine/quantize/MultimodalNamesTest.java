package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What a written config names must hold in module trees that loaders rename (transformers 5.18, vLLM). */
class MultimodalNamesTest {

    private static final long FEATURES = 32;

    @TempDir
    Path folder;

    @Test
    void writesEverySpellingOfWhatTwoSchemesNameAndOfWhatIsLeftAlone() throws IOException {
        JsonNode config = quantize(
                List.of(new SchemeOverride("W4A16_G32", List.of("re:.*down_proj"))),
                "language_model.model.layers.0.mlp.down_proj",
                "language_model.model.layers.0.mlp.up_proj",
                "language_model.lm_head",
                "vision_tower.encoder.layers.0.mlp.fc1");
        assertThat(texts(config.path("ignore")))
                .contains(
                        "lm_head",
                        "language_model.lm_head",
                        "vision_tower.encoder.layers.0.mlp.fc1",
                        "model.vision_tower.encoder.layers.0.mlp.fc1");
        assertThat(texts(config.path("config_groups").path("group_0").path("targets")))
                .contains("language_model.model.layers.0.mlp.down_proj", "model.language_model.layers.0.mlp.down_proj");
        assertThat(texts(config.path("config_groups").path("group_1").path("targets")))
                .contains("language_model.model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj");
    }

    @Test
    void readsConfigsThatNameTheLoadersModules() throws IOException {
        quantize(List.of(), "model.layers.0.mlp.down_proj", "visual.blocks.0.mlp.up_proj");
        Path out = folder.resolve("out");
        Path file = out.resolve("config.json");
        String text = Files.readString(file);
        Files.writeString(file, text.replace("\"visual.blocks.0.mlp.up_proj\",", ""));
        assertThat(Files.readString(file)).isNotEqualTo(text);
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(CompressedTensors.read(written).byName()).containsOnlyKeys("model.layers.0.mlp.down_proj");
        }
    }

    private JsonNode quantize(List<SchemeOverride> overrides, String... modules) throws IOException {
        var fixture = new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"vision_config\": {\"depth\": 1}, \"text_config\": {}}");
        float[] values = new float[Math.toIntExact(FEATURES * FEATURES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (i * 7 % 31 - 15) / 16f;
        }
        for (String module : modules) {
            fixture.withBf16(module + ".weight", List.of(FEATURES, FEATURES), values);
        }
        Path source = Files.createDirectories(folder.resolve("source"));
        fixture.write(source);
        Path out = folder.resolve("out");
        try (Backend backend = Backends.cpu(2)) {
            var recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()).withOverrides(overrides);
            var request = new QuantizationRequest(source, out, recipe);
            new Quantizer(backend, 2).quantize(request, JobMonitor.none());
        }
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(CompressedTensors.read(written).byName()).isNotEmpty();
            return written.config().quantizationConfig().orElseThrow();
        }
    }

    private static List<String> texts(JsonNode array) {
        return array.valueStream().map(JsonNode::stringValue).toList();
    }
}
