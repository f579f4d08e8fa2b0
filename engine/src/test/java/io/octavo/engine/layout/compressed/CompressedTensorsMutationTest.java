package io.octavo.engine.layout.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.QuantizedLayouts;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The reference tool's checkpoints, damaged in one place each. What makes the real client fail or compute garbage is
 * refused here; what the client found harmless is read.
 */
public class CompressedTensorsMutationTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final String UP = "model.layers.1.mlp.up_proj";
    private static final String QUANTIZATION = "/quantization_config";

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "fp8-dynamic|/quant_method|REMOVED",
                "fp8-dynamic|/config_groups/group_0/weights/clip|1",
                "fp8-dynamic|/config_groups/group_0/input_activations/clip|1",
                "fp8-dynamic|/config_groups/group_0/input_activations/dynamic|false",
                "w8a8-dynamic-rtn|/config_groups/group_0/input_activations/dynamic|false",
                "w4a16-rtn|/config_groups/group_0/weights/group_size|REMOVED",
                "w4a16-rtn|/config_groups/group_0/weights/group_size|32",
                "w4a16-rtn|/config_groups/group_0/weights/num_bits|8",
                "w4a16-rtn|/config_groups/group_0/weights/symmetric|false",
                "w4a16-rtn|/config_groups/group_0/weights/actorder|\"group\"",
                "fp8-dynamic|/quantization_status|REMOVED",
                "fp8-dynamic|/quantization_status|\"frozen\"",
                "w4a16-rtn|/ignore|[]",
                "nvfp4|/ignore|[]",
                "nvfp4|/config_groups/group_0/weights/scale_dtype|REMOVED",
                "nvfp4|/config_groups/group_0/input_activations/scale_dtype|REMOVED",
                "nvfp4|/config_groups/group_0/input_activations/dynamic|true",
                "mxfp4|/config_groups/group_0/weights/scale_dtype|REMOVED",
                "mxfp4|/config_groups/group_0/weights/group_size|16",
                "mxfp4|/config_groups/group_0/input_activations/scale_dtype|REMOVED",
                "fp8-static-kv|/kv_cache_scheme|null",
                "fp8-static-kv|/kv_cache_scheme/num_bits|4",
                "fp8-static-kv|/kv_cache_scheme/strategy|\"attn_head\"",
                "w8a8-static-rtn|/config_groups/group_0/input_activations/symmetric|false"
            })
    void refusesWhatTheClientCannotReadOrMisreads(String golden, String path, String value) throws IOException {
        assertRefused(withConfig(golden, path, value));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "w4a16-rtn|/format|REMOVED",
                "w4a16-rtn|/version|\"99\"",
                "w4a16-rtn|/sparsity_config|REMOVED",
                "nvfp4|/transform_config|REMOVED",
                "nvfp4|/config_groups/group_0/weights/observer|\"mse\"",
                "w4a16-rtn|/config_groups/group_0/weights/actorder|\"weight\""
            })
    void readsWhatTheClientFoundHarmless(String golden, String path, String value) throws IOException {
        assertThat(read(withConfig(golden, path, value))).isEqualTo(28);
    }

    @ParameterizedTest
    @CsvSource({
        "fp8-dynamic, weight_scale",
        "w8a8-static-rtn, weight_scale",
        "w8a8-static-rtn, input_scale",
        "w4a16-rtn, weight_scale",
        "w4a16-rtn, weight_shape",
        "w4a16-rtn, weight_packed",
        "w4a16-asym-rtn, weight_zero_point",
        "nvfp4, weight_scale",
        "nvfp4, weight_global_scale",
        "nvfp4, input_global_scale",
        "mxfp4, weight_scale"
    })
    void refusesMissingTensors(String golden, String parameter) throws IOException {
        assertRefused(copy(golden).without(UP + "." + parameter));
    }

    @Test
    void refusesChannelScalesOfOtherShapes() throws IOException {
        assertRefused(as("fp8-dynamic", UP + ".weight_scale", DType.BF16, List.of(704L)));
        assertRefused(as("fp8-dynamic", UP + ".weight_scale", DType.BF16, List.of(1L, 704L)));
        assertRefused(as("w4a16-rtn", UP + ".weight_scale", DType.BF16, List.of(4L, 704L)));
    }

    @Test
    void refusesCodesAndScalesOfOtherTypes() throws IOException {
        assertRefused(as("fp8-dynamic", UP + ".weight", DType.U8, List.of(704L, 256L)));
        assertRefused(as("fp8-dynamic", UP + ".weight_scale", DType.I16, List.of(704L, 1L)));
        assertRefused(as("mxfp4", UP + ".weight_scale", DType.F8_E4M3, List.of(704L, 8L)));
        assertRefused(as("nvfp4", UP + ".weight_scale", DType.U8, List.of(704L, 16L)));
        assertRefused(as("nvfp4", UP + ".weight_packed", DType.I8, List.of(704L, 128L)));
        assertRefused(as("w8a8-dynamic-rtn", UP + ".weight", DType.U8, List.of(704L, 256L)));
    }

    @Test
    void refusesAGlobalScaleWithoutDimension() throws IOException {
        assertRefused(as("nvfp4", UP + ".weight_global_scale", DType.F32, List.of()));
        assertRefused(as("nvfp4", UP + ".input_global_scale", DType.F32, List.of()));
    }

    @Test
    void refusesCacheScalesUnderAnotherName() throws IOException {
        String attention = "model.layers.2.self_attn.";
        assertRefused(copy("fp8-static-kv")
                .as(attention + "k_scale", attention + "k_proj.output_scale", DType.BF16, List.of(1L)));
        assertRefused(copy("fp8-static-kv").without(attention + "v_scale"));
    }

    @Test
    void refusesScalesThatAreNoScales() throws IOException {
        for (float bad : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertRefused(copy("fp8-static-kv")
                    .without(UP + ".input_scale")
                    .with(UP + ".input_scale", DType.F32, List.of(1L), f32(bad)));
            assertRefused(copy("nvfp4")
                    .without(UP + ".weight_global_scale")
                    .with(UP + ".weight_global_scale", DType.F32, List.of(1L), f32(bad)));
        }
    }

    @Test
    void readsScalesOfATensorInEveryShapeAndFloatType() throws IOException {
        assertThat(read(as("fp8-static-kv", UP + ".weight_scale", DType.BF16, List.of())))
                .isEqualTo(28);
        assertThat(read(copy("fp8-static-kv")
                        .without(UP + ".input_scale")
                        .with(UP + ".input_scale", DType.F32, List.of(1L), f32(0.5f))))
                .isEqualTo(28);
        assertThat(read(copy("fp8-static-kv")
                        .without(UP + ".input_scale")
                        .with(UP + ".input_scale", DType.F16, List.of(), (byte) 0, (byte) 0x38)))
                .isEqualTo(28);
    }

    @Test
    void ignoresSurplusZeroPointsOfSymmetricModules() throws IOException {
        assertThat(read(copy("w8a8-static-rtn").with(UP + ".input_zero_point", DType.I8, List.of(1L), (byte) 0)))
                .isEqualTo(28);
        assertThat(read(copy("w4a16-rtn")
                        .with(UP + ".weight_zero_point", DType.I32, List.of(88L, 4L), new byte[88 * 4 * 4])))
                .isEqualTo(28);
    }

    @Test
    void readsGroupsInTheOrderThatTheCheckpointStores() throws IOException {
        CheckpointFixture ordered = withConfig("w4a16-rtn", "/config_groups/group_0/weights/actorder", "\"group\"");
        try (Checkpoint golden = Checkpoint.open(GoldenCheckpoints.of("w4a16-rtn"))) {
            for (String name : golden.names()) {
                if (name.endsWith(".weight_packed")) {
                    String module = name.substring(0, name.length() - ".weight_packed".length());
                    int columns =
                            8 * Math.toIntExact(golden.tensor(name).shape().getLast());
                    ByteBuffer index = ByteBuffer.allocate(columns * 4).order(ByteOrder.LITTLE_ENDIAN);
                    for (int column = 0; column < columns; column++) {
                        index.putInt(column % (columns / 64));
                    }
                    ordered.with(module + ".weight_g_idx", DType.I32, List.of((long) columns), index.array());
                }
            }
        }
        ordered.write(folder);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            int[] groups = CompressedTensors.read(checkpoint)
                    .find(UP)
                    .orElseThrow()
                    .weight()
                    .groupIndex()
                    .orElseThrow();
            assertThat(groups).hasSize(256).startsWith(0, 1, 2, 3, 0);
        }
        assertRefused(ordered.without(UP + ".weight_g_idx")
                .with(UP + ".weight_g_idx", DType.I32, List.of(256L), filled(256, 4)));
    }

    private static byte[] filled(int count, int value) {
        ByteBuffer bytes = ByteBuffer.allocate(count * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < count; i++) {
            bytes.putInt(value);
        }
        return bytes.array();
    }

    private static byte[] f32(float value) {
        return ByteBuffer.allocate(4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(value)
                .array();
    }

    private static CheckpointFixture copy(String golden) {
        return CheckpointFixture.copyOf(GoldenCheckpoints.of(golden));
    }

    private static CheckpointFixture as(String golden, String tensor, DType dtype, List<Long> shape) {
        return copy(golden).as(tensor, tensor, dtype, shape);
    }

    private static CheckpointFixture withConfig(String golden, String path, String value) {
        CheckpointFixture copy = copy(golden);
        JsonNode config = JSON.readTree(copy.config());
        int slash = path.lastIndexOf('/');
        ObjectNode owner = (ObjectNode) config.at(QUANTIZATION + path.substring(0, slash));
        String member = path.substring(slash + 1);
        if (value.equals("REMOVED")) {
            owner.remove(member);
        } else {
            owner.set(member, JSON.readTree(value));
        }
        return copy.config(config.toString());
    }

    private int read(CheckpointFixture checkpoint) throws IOException {
        checkpoint.write(folder);
        try (Checkpoint opened = Checkpoint.open(folder)) {
            return QuantizedLayouts.read(opened).byName().size();
        }
    }

    private void assertRefused(CheckpointFixture checkpoint) throws IOException {
        checkpoint.write(folder);
        try (Checkpoint opened = Checkpoint.open(folder)) {
            QuantizationException refusal =
                    catchThrowableOfType(QuantizationException.class, () -> QuantizedLayouts.read(opened));
            assertThat(refusal).as("refusal").isNotNull();
            assertThat(refusal.code()).isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED);
        }
    }
}
