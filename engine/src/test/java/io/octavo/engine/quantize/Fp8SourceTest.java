package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.label.Label;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.scheme.Scheme;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints published in blocks of 8-bit floats become what their expanded weights become. */
class Fp8SourceTest {

    private static final int ROWS = 40;
    private static final int COLUMNS = 56;
    private static final int BLOCK = 32;
    private static final String PLAIN = "{\"architectures\": [\"X\"], \"num_hidden_layers\": 1}";
    private static final String IN_BLOCKS = """
            {"architectures": ["X"], "num_hidden_layers": 1, "quantization_config": {"quant_method": "fp8",
             "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [32, 32]}}""";
    private static final List<String> MODULES =
            List.of("model.layers.0.mlp.up_proj", "model.layers.0.mlp.gate_proj", "model.layers.1.eh_proj");

    @TempDir
    Path folder;

    private final byte[] codes = new byte[ROWS * COLUMNS];
    private final float[] scales = new float[4];

    Fp8SourceTest() {
        var random = new SplittableRandom(3);
        for (int i = 0; i < codes.length; i++) {
            do {
                codes[i] = (byte) random.nextInt(256);
            } while (Float.isNaN(Float8.fromE4m3(codes[i])));
        }
        for (int i = 0; i < scales.length; i++) {
            scales[i] = (float) random.nextDouble(1e-4, 1e-3);
        }
    }

    private CheckpointFixture inBlocks() {
        var model = new CheckpointFixture().config(IN_BLOCKS);
        ByteBuffer factors = ByteBuffer.allocate(4 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
        factors.asFloatBuffer().put(scales);
        for (String module : MODULES) {
            model.with(module + ".weight", DType.F8_E4M3, List.of((long) ROWS, (long) COLUMNS), codes)
                    .with(module + ".weight_scale_inv", DType.F32, List.of(2L, 2L), factors.array());
        }
        return model;
    }

    private CheckpointFixture expanded() {
        var model = new CheckpointFixture().config(PLAIN);
        ByteBuffer weight = ByteBuffer.allocate(2 * codes.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int row = 0; row < ROWS; row++) {
            for (int column = 0; column < COLUMNS; column++) {
                double number = (double) Float8.fromE4m3(codes[row * COLUMNS + column])
                        * scales[row / BLOCK * 2 + column / BLOCK];
                weight.putShort(BFloat16.fromFloat((float) number));
            }
        }
        for (String module : MODULES) {
            model.with(module + ".weight", DType.BF16, List.of((long) ROWS, (long) COLUMNS), weight.array());
        }
        return model;
    }

    private Path quantize(CheckpointFixture model, String name, String scheme) throws IOException {
        Path out = folder.resolve(name);
        var recipe = new Recipe(scheme, CompressedTensors.NAME, List.of());
        try (Backend backend = Backends.cpu(2)) {
            // Chunks of three rows, so that reading begins within a block.
            new Quantizer(backend, 2, 1 << 20, 3 * 2 * COLUMNS)
                    .quantize(
                            new QuantizationRequest(model.write(folder.resolve(name + "-source")), out, recipe),
                            JobMonitor.none());
        }
        return out;
    }

    @ParameterizedTest
    @ValueSource(strings = {"FP8_DYNAMIC", "W4A16_CHANNEL", "W8A8"})
    void becomeWhatTheirExpandedWeightsBecome(String scheme) throws IOException {
        Path folderOfOne = quantize(inBlocks(), "one", scheme);
        Path folderOfOther = quantize(expanded(), "other", scheme);
        assertSame(folderOfOne, folderOfOther);
        try (Checkpoint one = Checkpoint.open(folderOfOne);
                Checkpoint other = Checkpoint.open(folderOfOther)) {
            // A prediction layer is kept, in 16 bits.
            assertThat(one.tensor("model.layers.1.eh_proj.weight").dtype()).isEqualTo(DType.BF16);
            assertThat(Label.of(one)).isEqualTo(Label.of(other));
        }
    }

    /** What other releases do otherwise: types and names of scales, and what stands beside them. */
    @ParameterizedTest
    @CsvSource({
        "F16, .weight_scale_inv",
        "BF16, .weight_scale_inv",
        "F8_E8M0, .weight_scale_inv",
        "F8_E8M0, .scale",
        "F32, .scale"
    })
    void knowsEveryKindOfScale(DType type, String end) throws IOException {
        for (int i = 0; i < scales.length; i++) {
            scales[i] = Math.scalb(1f, -9 - i); // Powers of two, which every type holds.
        }
        var model = new CheckpointFixture().config(IN_BLOCKS);
        for (String module : MODULES) {
            model.with(module + ".weight", DType.F8_E4M3, List.of((long) ROWS, (long) COLUMNS), codes)
                    .with(module + end, type, List.of(2L, 2L), stored(type))
                    .with(module + ".input_scale", DType.F32, List.of(), new byte[4]);
        }
        model.with("model.layers.0.self_attn.k_scale", DType.F32, List.of(1L), new byte[4]);
        assertSame(quantize(model, "one", "W8A8"), quantize(expanded(), "other", "W8A8"));
    }

    /** As transformers saves them: scales lie beside the tensor of all experts. */
    @ParameterizedTest
    @ValueSource(strings = {"qwen3_moe", "llama4_text", "qwen3_vl_moe"})
    void expandExpertsInOneTensor(String type) throws IOException {
        boolean inputFirst = type.equals("llama4_text");
        String members = "\"model_type\": \"%s\", \"hidden_size\": %d, ".formatted(type, inputFirst ? ROWS : COLUMNS);
        List<Long> shape = List.of(2L, (long) ROWS, (long) COLUMNS);
        var numbers = new byte[2 * 2 * codes.length];
        var twice = ByteBuffer.allocate(2 * codes.length).put(codes).put(codes);
        var factors = ByteBuffer.allocate(8 * scales.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int expert = 0; expert < 2; expert++) {
            for (int i = 0; i < scales.length; i++) {
                factors.putFloat(scales[i] * (expert + 1));
            }
        }
        ByteBuffer weights = ByteBuffer.wrap(numbers).order(ByteOrder.LITTLE_ENDIAN);
        for (int expert = 0; expert < 2; expert++) {
            for (int at = 0; at < codes.length; at++) {
                float scale = scales[at / COLUMNS / BLOCK * 2 + at % COLUMNS / BLOCK] * (expert + 1);
                weights.putShort(BFloat16.fromFloat(Float8.fromE4m3(codes[at]) * scale));
            }
        }
        String tensor = "model.layers.0.mlp.experts.gate_up_proj";
        CheckpointFixture one = inBlocks()
                .config(IN_BLOCKS.replace("\"num_hidden_layers\"", members + "\"num_hidden_layers\""))
                .with(tensor, DType.F8_E4M3, shape, twice.array())
                .with(tensor + "_scale_inv", DType.F32, List.of(2L, 2L, 2L), factors.array());
        CheckpointFixture other = expanded()
                .config(PLAIN.replace("\"num_hidden_layers\"", members + "\"num_hidden_layers\""))
                .with(tensor, DType.BF16, shape, numbers);
        assertSame(quantize(one, "one", "W8A8"), quantize(other, "other", "W8A8"));
    }

    private byte[] stored(DType type) {
        ByteBuffer bytes = ByteBuffer.allocate(scales.length * type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float scale : scales) {
            switch (type) {
                case F32 -> bytes.putFloat(scale);
                case BF16 -> bytes.putShort(BFloat16.fromFloat(scale));
                case F16 -> bytes.putShort(Float.floatToFloat16(scale));
                default -> bytes.put((byte) (Math.getExponent(scale) + 127));
            }
        }
        return bytes.array();
    }

    private static void assertSame(Path one, Path other) {
        try (Checkpoint actual = Checkpoint.open(one);
                Checkpoint expected = Checkpoint.open(other)) {
            assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
            for (String name : expected.names()) {
                assertThat(actual.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE))
                        .as(name)
                        .isEqualTo(expected.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE));
            }
            assertThat(actual.config().quantizationConfig())
                    .isEqualTo(expected.config().quantizationConfig());
        }
    }

    @Test
    void refusesAWeightWithoutScales() throws IOException {
        Path source =
                inBlocks().without(MODULES.getFirst() + ".weight_scale_inv").write(folder.resolve("source"));
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            assertThatThrownBy(() -> QuantizationPlan.of(checkpoint, Scheme.FP8_DYNAMIC, List.of()))
                    .isInstanceOfSatisfying(
                            QuantizationException.class,
                            e -> assertThat(e.code()).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED))
                    .hasMessageContaining(MODULES.getFirst());
        }
    }

    /** As transformers takes them where a config does not say. */
    @Test
    void haveBlocksOf128WhereTheirScalesFitAndTheConfigNamesNone() throws IOException {
        String config = IN_BLOCKS.replace(", \"weight_block_size\": [32, 32]", "");
        assertThat(config).isNotEqualTo(IN_BLOCKS);
        List<Long> shape = List.of(130L, 2L);
        var bytes = new byte[260];
        java.util.Arrays.fill(bytes, (byte) 0x38); // One.
        byte[] factors = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(2)
                .putFloat(4)
                .array();
        ByteBuffer numbers = ByteBuffer.allocate(520).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < bytes.length; i++) {
            numbers.putShort(BFloat16.fromFloat(i < 256 ? 2 : 4));
        }
        String weight = MODULES.getFirst() + ".weight";
        assertSame(
                quantize(
                        new CheckpointFixture()
                                .config(config)
                                .with(weight, DType.F8_E4M3, shape, bytes)
                                .with(weight + "_scale_inv", DType.F32, List.of(2L, 1L), factors),
                        "one",
                        "W8A8"),
                quantize(
                        new CheckpointFixture().config(PLAIN).with(weight, DType.BF16, shape, numbers.array()),
                        "other",
                        "W8A8"));
    }

    @Test
    void refusesScalesOfAnotherShapeByTheShapeThatFits() throws IOException {
        String scale = MODULES.getFirst() + ".weight_scale_inv";
        Path source = inBlocks()
                .without(scale)
                .with(scale, DType.F32, List.of(1L, 2L), new byte[8])
                .write(folder.resolve("source"));
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            assertThatThrownBy(() -> QuantizationPlan.of(checkpoint, Scheme.FP8_DYNAMIC, List.of()))
                    .hasMessageEndingWith(
                            "has no " + scale + " that fits it, F32, BF16, F16 or F8_E8M0 [2, 2] for blocks"
                                    + " of 32 x 32, but " + scale + " of F32 [1, 2]");
        }
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1})
    void refusesScalesThatAreNotPositive(float scale) {
        scales[3] = scale;
        assertThatThrownBy(() -> quantize(inBlocks(), "one", "FP8_DYNAMIC"))
                .isInstanceOfSatisfying(
                        QuantizationException.class,
                        e -> assertThat(e.code()).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED))
                .hasMessageContainingAll("row 32, column 32", "scale " + scale, "scales are positive");
    }
}
