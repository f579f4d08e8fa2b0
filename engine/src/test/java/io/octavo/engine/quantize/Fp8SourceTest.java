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
        try (Checkpoint one = Checkpoint.open(quantize(inBlocks(), "one", scheme));
                Checkpoint other = Checkpoint.open(quantize(expanded(), "other", scheme))) {
            assertThat(one.names()).isEqualTo(other.names());
            for (String name : one.names()) {
                assertThat(one.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE))
                        .as(name)
                        .isEqualTo(other.tensor(name).segment().toArray(ValueLayout.JAVA_BYTE));
            }
            // A prediction layer is kept, in 16 bits.
            assertThat(one.tensor("model.layers.1.eh_proj.weight").dtype()).isEqualTo(DType.BF16);
            assertThat(one.config().quantizationConfig())
                    .isEqualTo(other.config().quantizationConfig());
            assertThat(Label.of(one)).isEqualTo(Label.of(other));
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
}
