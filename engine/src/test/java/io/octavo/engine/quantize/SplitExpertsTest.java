package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Experts that lie in one tensor become what the same experts become where each is a tensor of its own. */
class SplitExpertsTest {

    private static final int EXPERTS = 3;
    private static final int HIDDEN = 40;
    private static final int INNER = 24;
    private static final String LAYER = "model.layers.0.mlp.experts.";

    @TempDir
    Path folder;

    private static float number(int expert, int projection, int row, int column) {
        int mixed = ((expert * 3 + projection) * 64 + row) * 64 + column;
        return (mixed * 2654435761L % 255 - 127) / 128f;
    }

    /** One weight {@code [rows, columns]}, row by row. */
    private static float[] weight(int expert, int projection, int rows, int columns) {
        var values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = number(expert, projection, i / columns, i % columns);
        }
        return values;
    }

    private static float[] turned(float[] weight, int columns) {
        int rows = weight.length / columns;
        var values = new float[weight.length];
        for (int i = 0; i < values.length; i++) {
            values[i % columns * rows + i / columns] = weight[i];
        }
        return values;
    }

    private static float[] joined(Stream<float[]> parts) {
        List<float[]> all = parts.toList();
        var values = new float[all.stream().mapToInt(part -> part.length).sum()];
        int at = 0;
        for (float[] part : all) {
            System.arraycopy(part, 0, values, at, part.length);
            at += part.length;
        }
        return values;
    }

    private static CheckpointFixture model(String type) {
        return new CheckpointFixture()
                .config("{\"architectures\": [\"X\"], \"model_type\": \"" + type + "\", \"hidden_size\": " + HIDDEN
                        + "}")
                .withBf16("model.layers.0.self_attn.o_proj.weight", List.of(8L, 8L), new float[64]);
    }

    private static CheckpointFixture fused(String type, boolean inputFirst) {
        float[] gateUp = joined(IntStream.range(0, EXPERTS).mapToObj(expert -> {
            float[] both = joined(Stream.of(weight(expert, 0, INNER, HIDDEN), weight(expert, 1, INNER, HIDDEN)));
            return inputFirst ? turned(both, HIDDEN) : both;
        }));
        float[] down = joined(IntStream.range(0, EXPERTS).mapToObj(expert -> {
            float[] one = weight(expert, 2, HIDDEN, INNER);
            return inputFirst ? turned(one, INNER) : one;
        }));
        long experts = EXPERTS;
        return inputFirst
                ? model(type)
                        .withBf16(LAYER + "gate_up_proj", List.of(experts, (long) HIDDEN, 2L * INNER), gateUp)
                        .withBf16(LAYER + "down_proj", List.of(experts, (long) INNER, (long) HIDDEN), down)
                : model(type)
                        .withBf16(LAYER + "gate_up_proj", List.of(experts, 2L * INNER, (long) HIDDEN), gateUp)
                        .withBf16(LAYER + "down_proj", List.of(experts, (long) HIDDEN, (long) INNER), down);
    }

    private static CheckpointFixture single(String type) {
        CheckpointFixture model = model(type);
        for (int expert = 0; expert < EXPERTS; expert++) {
            List<Long> in = List.of((long) INNER, (long) HIDDEN);
            model.withBf16(LAYER + expert + ".gate_proj.weight", in, weight(expert, 0, INNER, HIDDEN));
            model.withBf16(LAYER + expert + ".up_proj.weight", in, weight(expert, 1, INNER, HIDDEN));
            model.withBf16(
                    LAYER + expert + ".down_proj.weight",
                    List.of((long) HIDDEN, (long) INNER),
                    weight(expert, 2, HIDDEN, INNER));
        }
        return model;
    }

    private Path quantize(CheckpointFixture model, String name, Recipe recipe) throws IOException {
        Path out = folder.resolve(name);
        try (Backend backend = Backends.cpu(2)) {
            // Chunks of three rows, so that reading begins within an expert.
            new Quantizer(backend, 2, 1 << 20, 3 * 2 * HIDDEN)
                    .quantize(
                            new QuantizationRequest(model.write(folder.resolve(name + "-source")), out, recipe),
                            JobMonitor.none());
        }
        return out;
    }

    private static void assertSameTensors(Path one, Path other) {
        try (Checkpoint a = Checkpoint.open(one);
                Checkpoint b = Checkpoint.open(other)) {
            assertThat(a.names()).isEqualTo(b.names());
            for (String name : a.names()) {
                assertThat(a.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE))
                        .as(name)
                        .isEqualTo(b.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE));
            }
            assertThat(a.config().quantizationConfig()).isEqualTo(b.config().quantizationConfig());
        }
    }

    @ParameterizedTest
    @CsvSource({"qwen3_moe, false", "llama4_text, true"})
    void becomeWhatSingleExpertsBecome(String type, boolean inputFirst) throws IOException {
        for (String scheme : List.of("FP8_DYNAMIC", "W8A8", "W4A16_CHANNEL")) {
            Recipe recipe = new Recipe(scheme, CompressedTensors.NAME, List.of());
            assertSameTensors(
                    quantize(fused(type, inputFirst), scheme + "-fused", recipe),
                    quantize(single(type), scheme + "-single", recipe));
        }
    }

    @Test
    void staySingleWhereTransformersTakesNoOthers() throws IOException {
        Recipe recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of("re:.*experts.*"));
        assertSameTensors(
                quantize(fused("llama4_text", true), "fused", recipe),
                quantize(single("llama4_text"), "single", recipe));
    }

    @Test
    void stayInOneTensorWhereTheRequestLeavesThemAlone() throws IOException {
        Recipe recipe = new Recipe("W8A8", CompressedTensors.NAME, List.of("model.layers.0.mlp.experts"));
        Path out = quantize(fused("qwen3_moe", false), "fused", recipe);
        try (Checkpoint written = Checkpoint.open(out)) {
            assertThat(written.names()).contains(LAYER + "gate_up_proj", LAYER + "down_proj");
            assertThat(written.config().quantizationConfig().orElseThrow().path("ignore"))
                    .extracting(Object::toString)
                    .contains("\"" + LAYER + "0.gate_proj\"", "\"" + LAYER + "0.down_proj\"");
        }
    }
}
