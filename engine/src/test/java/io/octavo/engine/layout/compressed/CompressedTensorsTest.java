package io.octavo.engine.layout.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.weight.QuantizedLinear;
import io.octavo.engine.layout.weight.QuantizedModules;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

public class CompressedTensorsTest {

    private static final String MODULE = "model.layers.0.mlp.up_proj";
    private static final List<Long> WEIGHT = List.of(2L, 3L);
    private static final List<Long> SCALE = List.of(2L, 1L);
    private static final byte[] CODES = {1, 2, 3, 4, 5, 6};

    @TempDir
    Path folder;

    @Test
    void readsTheReferenceToolsCheckpoint() {
        try (Checkpoint checkpoint = Checkpoint.open(GoldenCheckpoints.of("fp8-dynamic"))) {
            QuantizedModules modules = CompressedTensors.read(checkpoint);
            assertThat(modules.byName()).hasSize(28);
            QuantizedLinear down = modules.find("model.layers.0.mlp.down_proj").orElseThrow();
            assertThat(down.weight().outFeatures()).isEqualTo(256);
            assertThat(down.weight().inFeatures()).isEqualTo(704);
            assertThat(down.weight().groups()).isEqualTo(1);
            assertThat(down.inputs()).isEqualTo(Scheme.FP8_DYNAMIC.inputs());
            assertThat(modules.find("model.embed_tokens")).isEmpty();
        }
    }

    @ParameterizedTest
    @MethodSource("io.octavo.engine.GoldenCheckpoints#names")
    void readsCheckpointsOfTheReferenceTool(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(GoldenCheckpoints.of(name))) {
            QuantizedModules modules = CompressedTensors.read(checkpoint);
            assertThat(modules.byName()).hasSize(28);
            assertThat(modules.kvCache().isPresent()).isEqualTo(name.endsWith("-kv"));
        }
    }

    @Test
    void findsNothingInAnUnquantizedCheckpoint() {
        try (Checkpoint checkpoint = Checkpoint.open(TestModels.books5m())) {
            assertThat(CompressedTensors.read(checkpoint).byName()).isEmpty();
        }
    }

    @Test
    void readsScalesOfEveryFloatType() throws IOException {
        quantized().write(folder);
        assertThat(read()).isEqualTo(1);
        quantized()
                .without(MODULE + ".weight_scale")
                .with(
                        MODULE + ".weight_scale",
                        DType.F32,
                        SCALE,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0x3F,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0,
                        (byte) 0x3F)
                .write(folder);
        assertThat(read()).isEqualTo(1);
        quantized()
                .without(MODULE + ".weight_scale")
                .with(MODULE + ".weight_scale", DType.F16, SCALE, (byte) 0, (byte) 0x3C, (byte) 0, (byte) 0x3C)
                .write(folder);
        assertThat(read()).isEqualTo(1);
    }

    @Test
    void refusesMissingScale() throws IOException {
        assertRefused(quantized().without(MODULE + ".weight_scale"));
    }

    @Test
    void refusesScaleOfWrongShapeTypeOrValue() throws IOException {
        CheckpointFixture without = quantized().without(MODULE + ".weight_scale");
        assertRefused(
                quantized().without(MODULE + ".weight_scale").withBf16(MODULE + ".weight_scale", List.of(2L), 1, 1));
        assertRefused(quantized()
                .without(MODULE + ".weight_scale")
                .withBf16(MODULE + ".weight_scale", List.of(1L, 2L), 1, 1));
        assertRefused(without.with(MODULE + ".weight_scale", DType.U8, SCALE, (byte) 1, (byte) 1));
        for (float bad : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertRefused(
                    quantized().without(MODULE + ".weight_scale").withBf16(MODULE + ".weight_scale", SCALE, 1, bad));
        }
    }

    @Test
    void refusesWeightStoredAsBytes() throws IOException {
        assertRefused(quantized().without(MODULE + ".weight").with(MODULE + ".weight", DType.U8, WEIGHT, CODES));
    }

    @Test
    void refusesPlainWeightThatTheConfigTargets() throws IOException {
        assertRefused(quantized().withBf16("model.layers.0.mlp.gate_proj.weight", WEIGHT, 1, 2, 3, 4, 5, 6));
    }

    @Test
    void refusesQuantizedWeightThatTheConfigIgnores() throws IOException {
        assertRefused(quantized().config(config(List.of("lm_head", MODULE))));
        assertRefused(quantized().config(config(List.of("lm_head", "re:.*up_proj$"))));
    }

    @Test
    void refusesHeadThatIsNotIgnored() throws IOException {
        assertRefused(quantized().config(config(List.of())));
        assertRefused(quantized().config(config(List.of())).withBf16("lm_head.weight", WEIGHT, 1, 2, 3, 4, 5, 6));
    }

    @Test
    void refusesTensorsThatTheConfigDoesNotExplain() throws IOException {
        for (String name : new String[] {
            MODULE + ".input_scale", "model.layers.0.self_attn.k_scale", "model.layers.0.self_attn.q_proj.weight_scale"
        }) {
            assertRefused(quantized().withBf16(name, List.of(1L), 1));
        }
    }

    @Test
    void refusesScalesInAPlainCheckpoint() throws IOException {
        assertRefused(quantized().config("{}"));
    }

    @Test
    void refusesTargetThatIsNotThere() throws IOException {
        assertRefused(
                quantized().config(config(List.of("lm_head")).replace("\"Linear\"", "\"Linear\",\"model.absent\"")));
    }

    private static CheckpointFixture quantized() {
        return new CheckpointFixture()
                .config(config(List.of("lm_head")))
                .withBf16("model.embed_tokens.weight", WEIGHT, 1, 2, 3, 4, 5, 6)
                .withBf16("model.norm.weight", List.of(3L), 1, 1, 1)
                .with(MODULE + ".weight", DType.F8_E4M3, WEIGHT, CODES)
                .withBf16(MODULE + ".weight_scale", SCALE, 0.5f, 2);
    }

    private static String config(List<String> ignore) {
        ConfigJson plain = ConfigJson.parse("{\"dtype\":\"bfloat16\"}".getBytes(StandardCharsets.UTF_8));
        return new String(
                plain.withQuantizationConfig(CompressedTensors.config(Scheme.FP8_DYNAMIC, ignore))
                        .bytes(),
                StandardCharsets.UTF_8);
    }

    private int read() {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return CompressedTensors.read(checkpoint).byName().size();
        }
    }

    private void assertRefused(CheckpointFixture checkpoint) throws IOException {
        checkpoint.write(folder);
        assertThat(codeOf(folder)).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED);
    }

    private static ErrorCode codeOf(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return catchThrowableOfType(QuantizationException.class, () -> CompressedTensors.read(checkpoint))
                    .code();
        }
    }
}
