package io.octavo.engine.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GeneratedModel;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.quantize.Quantizer;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.request.QuantizationRequest;
import io.octavo.engine.request.Recipe;
import io.octavo.kernels.Backends;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Breaks good artifacts in one place at a time, as loaders would refuse or misread them: inspecting each must show it. */
class BrokenFilesTest {

    private static final String A = "model.layers.1.self_attn.";
    private static final String M = "model.layers.1.mlp.";
    private static final String ALL_BUT_K_AND_V =
            "\"re:.*q_proj\",\"re:.*o_proj\",\"re:.*gate_proj\",\"re:.*up_proj\",\"re:.*down_proj\"";

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"FP8_DYNAMIC", "W8A8", "W4A16_G32", "NVFP4A16", "MXFP8"})
    void wholeFilesAreWell(String scheme) throws IOException {
        assertThat(inspect(artifact(scheme)).disagreement()).isEmpty();
    }

    static Stream<Arguments> tensors() {
        return Stream.of(
                broken("FP8_DYNAMIC", file -> file.without(A + "k_proj.weight_scale"), "has no weight_scale"),
                broken("FP8_DYNAMIC", file -> file.without(M + "up_proj.weight"), "up_proj.weight_scale"),
                broken(
                        "FP8_DYNAMIC",
                        file -> file.as(
                                M + "down_proj.weight_scale",
                                M + "down_proj.weight_scale",
                                DType.BF16,
                                List.of(1L, 64L)),
                        "[1, 64]"),
                broken(
                        "FP8_DYNAMIC",
                        file -> file.without(M + "down_proj.weight_scale")
                                .with(M + "down_proj.weight_scale", DType.BF16, List.of(63L, 1L), ones(63)),
                        "[63, 1]"),
                broken(
                        "FP8_DYNAMIC",
                        file -> file.with(A + "q_proj.weight_extra", DType.BF16, List.of(1L), ones(1)),
                        "no loader knows tensor " + A + "q_proj.weight_extra"),
                broken(
                        "FP8_DYNAMIC",
                        file -> file.with(A + "q_proj.bias", DType.BF16, List.of(64L), ones(64)),
                        A + "q_proj has a bias"),
                broken(
                        "W4A16_G32",
                        file -> file.without(M + "gate_proj.weight_scale")
                                .with(M + "gate_proj.weight_scale", DType.BF16, List.of(96L, 1L), ones(96)),
                        "[96, 1]"),
                broken(
                        "NVFP4A16",
                        file -> file.change(M + "down_proj.weight_global_scale", bytes -> scale(bytes, -1)),
                        M + "down_proj: its scales make weights of up to"),
                broken(
                        "NVFP4A16",
                        file -> file.change(A + "k_proj.weight_global_scale", bytes -> scale(bytes, 2)),
                        "different global scales"));
    }

    /** Numbers that loaders take without a word, each with its file, tensor and element. */
    static Stream<Arguments> numbers() {
        return Stream.of(
                broken("FP8_DYNAMIC", A + "q_proj.weight", 65, 0x7F),
                broken("FP8_DYNAMIC", A + "q_proj.weight", 64 * 64 - 1, 0xFF),
                broken("MXFP8", M + "up_proj.weight", 3, 0xFF),
                broken("FP8_DYNAMIC", M + "down_proj.weight_scale", 9, 0x80, 0x7F),
                broken("W8A8", M + "down_proj.weight_scale", 0, 0xC0, 0x7F),
                broken("W4A16_G32", M + "gate_proj.weight_scale", 7, 0x80, 0xFF),
                broken("NVFP4A16", M + "gate_proj.weight_scale", 5, 0x7F),
                broken("NVFP4A16", M + "down_proj.weight_global_scale", 0, 0, 0, 0x80, 0x7F),
                broken("MXFP8", M + "up_proj.weight_scale", 2, 0xFF),
                broken("W8A8", "model.norm.weight", 1, 0x80, 0x7F),
                broken("W4A16_G32", "model.layers.1.input_layernorm.weight", 63, 0xC0, 0xFF),
                broken("NVFP4A16", "model.embed_tokens.weight", 777, 0x80, 0xFF),
                broken("FP8_DYNAMIC", "lm_head.weight", 6143, 0xC1, 0x7F));
    }

    /** @param bytes of the number in the place of the element */
    private static Arguments broken(String scheme, String tensor, int element, int... bytes) {
        return Arguments.of(scheme, tensor, element, bytes);
    }

    @ParameterizedTest
    @MethodSource("numbers")
    void showsWhereANumberIsNotFinite(String scheme, String tensor, int element, int[] number) throws IOException {
        CheckpointFixture file = artifact(scheme).change(tensor, bytes -> {
            for (int i = 0; i < number.length; i++) {
                bytes[element * number.length + i] = (byte) number[i];
            }
        });
        assertThat(inspect(file).disagreement())
                .hasValueSatisfying(text -> assertThat(text)
                        .contains("model.safetensors: ", "tensor " + tensor + " ")
                        .containsPattern(" at (element )?" + element + "\\b"));
        assertThat(Inspection.ofHeaders(folder.resolve("broken")).disagreement())
                .as("headers tell nothing of it")
                .isEmpty();
    }

    /** The other layers have it, and so has the architecture. */
    @Test
    void showsAModuleThatIsMissing() throws IOException {
        CheckpointFixture file =
                artifact("FP8_DYNAMIC").without(A + "q_proj.weight").without(A + "q_proj.weight_scale");
        assertThat(inspect(file).disagreement())
                .hasValueSatisfying(text -> assertThat(text).contains("has no " + A + "q_proj.weight"));
    }

    @ParameterizedTest
    @MethodSource("tensors")
    void showsWhatIsWrongWithTensors(String scheme, UnaryOperator<CheckpointFixture> damage, String problem)
            throws IOException {
        assertThat(inspect(damage.apply(artifact(scheme))).disagreement())
                .hasValueSatisfying(text -> assertThat(text).contains(problem));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "FP8_DYNAMIC | \"ignore\":[ | \"ignore\":[\"model.layers.1.mlp.down_proj\", | leaves module",
                "FP8_DYNAMIC | \"ignore\":[ | \"ignore\":[\"model.layers.1.self_attn.q_proj\", | leaves module",
                "W4A16_G32 | \"group_size\":32 | \"group_size\":64 | no multiple of the group size 64",
                "W4A16_G32 | \"num_bits\":4 | \"num_bits\":8 | weight_packed",
                "W4A16_G32 | \"format\":\"pack-quantized\", | '' | has no format",
                "W8A8 | \"format\":\"int-quantized\", | '' | has no format",
                "W8A8 | \"format\":\"int-quantized\" | \"format\":\"float-quantized\" | is expected",
                "W8A8 | \"format\":\"int-quantized\",\"global | \"format\":\"float-quantized\",\"global | format is float-quantized",
                "FP8_DYNAMIC | \"format\":\"float-quantized\",\"global | \"format\":\"pack-quantized\",\"global | format is pack-quantized",
                "FP8_DYNAMIC | \"format\":\"float-quantized\" | \"format\":\"mxfp8-quantized\" | is expected",
                "MXFP8 | \"format\":\"mxfp8-quantized\" | \"format\":\"float-quantized\" | is expected",
                "W4A16_G32 | \"format\":\"pack-quantized\" | \"format\":\"int-quantized\" | has no weight",
                "NVFP4A16 | \"format\":\"nvfp4-pack-quantized\" | \"format\":\"mxfp4-pack-quantized\" | is expected",
                "W4A16_G32 | \"format\":\"pack-quantized\" | \"format\":\"dense\" | format is dense",
                "FP8_DYNAMIC | \"targets\":[\"Linear\"] | \"targets\":[\"re:.*down_proj\"] | leaves module",
                "FP8_DYNAMIC | \"intermediate_size\":96 | \"intermediate_size\":192 | config.json asks for [192, 64]",
                "W4A16_G32 | \"intermediate_size\":96 | \"intermediate_size\":192 | config.json asks for [192, 64]",
                "FP8_DYNAMIC | \"vocab_size\":96 | \"vocab_size\":128 | config.json asks for [128, 64]"
            })
    void showsWhatIsWrongWithTheConfig(String scheme, String from, String to, String problem) throws IOException {
        CheckpointFixture file = artifact(scheme);
        String config = file.config().replaceAll("\\s", "");
        assertThat(config).contains(from);
        assertThat(inspect(file.config(config.replace(from, to))).disagreement())
                .hasValueSatisfying(text -> assertThat(text).contains(problem));
    }

    /** Each part says what it is, and the config agrees: only together they cannot be loaded. */
    @Test
    void showsPartsThatLoadersFuseInTwoSchemes() throws IOException {
        CheckpointFixture file = artifact("FP8_DYNAMIC");
        CheckpointFixture integers = artifact("W8A8");
        for (int layer = 0; layer < 3; layer++) {
            for (String part : List.of("k_proj", "v_proj")) {
                String module = "model.layers." + layer + ".self_attn." + part;
                file.without(module + ".weight").without(module + ".weight_scale");
                integers.copy(module + ".weight", file);
                integers.copy(module + ".weight_scale", file);
            }
        }
        String config = file.config().replaceAll("\\s", "");
        String group = config.substring(
                config.indexOf("\"group_0\":") + "\"group_0\":".length(), config.lastIndexOf("},\"format\":"));
        String floats = group.replace("\"Linear\"", ALL_BUT_K_AND_V);
        String others = group.replace("\"Linear\"", "\"re:.*k_proj\",\"re:.*v_proj\"")
                .replace("\"float\"", "\"int\"")
                .replace("float-quantized", "int-quantized");
        file.config(config.replace(group, floats + ",\"group_1\":" + others));
        assertThat(inspect(file).disagreement())
                .hasValueSatisfying(text -> assertThat(text).contains("loaders fuse them"));
    }

    /** A part that the config leaves alone and that is stored plainly. */
    @Test
    void showsAPartThatIsLeftAloneBesideOnesThatAreNot() throws IOException {
        CheckpointFixture file = artifact("FP8_DYNAMIC");
        file.without(A + "q_proj.weight").without(A + "q_proj.weight_scale");
        file.with(A + "q_proj.weight", DType.BF16, List.of(64L, 64L), ones(64 * 64));
        String config = file.config().replaceAll("\\s", "");
        file.config(config.replace("\"ignore\":[", "\"ignore\":[\"" + A + "q_proj\","));
        assertThat(inspect(file).disagreement())
                .hasValueSatisfying(text -> assertThat(text).contains("q_proj is ignored and"));
    }

    private static Arguments broken(String scheme, UnaryOperator<CheckpointFixture> damage, String problem) {
        return Arguments.of(scheme, damage, problem);
    }

    private static byte[] ones(int count) {
        ByteBuffer bytes = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            bytes.putShort((short) 0x3F80);
        }
        return bytes.array();
    }

    /** @param factor -1 for the reciprocal */
    private static void scale(byte[] bytes, int factor) {
        ByteBuffer scale = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float value = scale.getFloat(0);
        scale.putFloat(0, factor < 0 ? 1 / value : value * factor);
    }

    private CheckpointFixture artifact(String scheme) throws IOException {
        Path target = folder.resolve(scheme);
        Path source = GeneratedModel.write("llama", folder.resolve("source"));
        var recipe = new Recipe(scheme, CompressedTensors.NAME, List.of());
        try (Backend backend = Backends.cpu(1)) {
            new Quantizer(backend, 1).quantize(new QuantizationRequest(source, target, recipe), JobMonitor.none());
        }
        return CheckpointFixture.copyOf(target);
    }

    private Inspection inspect(CheckpointFixture file) throws IOException {
        return Inspection.of(file.write(folder.resolve("broken")));
    }
}
