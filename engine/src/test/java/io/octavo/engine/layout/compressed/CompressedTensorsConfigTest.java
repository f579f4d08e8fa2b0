package io.octavo.engine.layout.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.layout.config.Declaration;
import io.octavo.engine.scheme.Granularity;
import io.octavo.engine.scheme.NumberType;
import io.octavo.engine.scheme.Quantization;
import io.octavo.engine.scheme.Scheme;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

public class CompressedTensorsConfigTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final NumberType INT8 = new NumberType.IntType(8);

    @Test
    void writesWhatTheReferenceToolWroteForFp8Dynamic() {
        assertEqualToGolden("fp8-dynamic", Scheme.FP8_DYNAMIC);
    }

    @Test
    void writesWhatTheReferenceToolWroteForOtherGranularities() {
        Granularity perTensor = new Granularity.PerTensor();
        Granularity perChannel = new Granularity.PerChannel();
        Granularity perToken = new Granularity.PerToken();
        NumberType e4m3 = NumberType.FloatType.E4M3;
        assertEqualToGolden(
                "fp8-static",
                new Scheme(
                        "FP8",
                        Quantization.stored(e4m3, perTensor),
                        Optional.of(Quantization.stored(e4m3, perTensor))));
        assertEqualToGolden(
                "fp8-block",
                new Scheme(
                        "FP8_BLOCK",
                        Quantization.stored(e4m3, new Granularity.PerBlock(128, 128)),
                        Optional.of(Quantization.dynamic(e4m3, new Granularity.PerGroup(128)))));
        assertEqualToGolden(
                "w8a8-dynamic-rtn",
                new Scheme(
                        "W8A8",
                        Quantization.stored(INT8, perChannel),
                        Optional.of(Quantization.dynamic(INT8, perToken))));
        assertEqualToGolden("w8a16-rtn", new Scheme("W8A16", Quantization.stored(INT8, perChannel), Optional.empty()));
        assertEqualToGolden(
                "w4a16-rtn",
                new Scheme(
                        "W4A16",
                        Quantization.stored(new NumberType.IntType(4), new Granularity.PerGroup(64)),
                        Optional.empty()));
    }

    @Test
    void readsBackWhatItWrites() {
        Declaration config = Declaration.strict(CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head")));
        assertThat(config.groups()).hasSize(1);
        assertThat(config.groups().getFirst().weights()).isEqualTo(Scheme.FP8_DYNAMIC.weights());
        assertThat(config.groups().getFirst().inputs()).isEqualTo(Scheme.FP8_DYNAMIC.inputs());
        assertThat(config.ignores(List.of("lm_head"))).isTrue();
        assertThat(config.ignores(List.of("lm_head2"))).isFalse();
    }

    @Test
    void readsBackEveryPreset() {
        for (Scheme scheme : Scheme.PRESETS) {
            Declaration.Group group = Declaration.strict(CompressedTensors.config(scheme, List.of("lm_head")))
                    .groups()
                    .getFirst();
            assertThat(group.weights()).as(scheme.name()).isEqualTo(scheme.weights());
            assertThat(group.inputs()).as(scheme.name()).isEqualTo(scheme.inputs());
            ExecutableGroups.require(group);
        }
    }

    @Test
    void writesWhatTheReferenceToolWroteForGroupsOfSmallFloats() {
        assertEqualToGolden("nvfp4", Scheme.named("NVFP4"));
        assertEqualToGolden("nvfp4a16", Scheme.named("NVFP4A16"));
        assertEqualToGolden("mxfp4", Scheme.named("MXFP4"));
        assertEqualToGolden("mxfp4a16", Scheme.named("MXFP4A16"));
        assertEqualToGolden("w4a16-asym-rtn", Scheme.named("W4A16_ASYM_G64"));
        assertEqualToGolden("w8a8-static-rtn", Scheme.named("W8A8_STATIC"));
    }

    /** Paths are JSON pointers; what is at each is replaced, or removed where the value is REMOVED. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "/quant_method|\"gptq\"",
                "/quant_method|REMOVED",
                "/quantization_status|\"frozen\"",
                "/quantization_status|REMOVED",
                "/kv_cache_scheme|{\"num_bits\": 8}",
                "/sparsity_config|{\"format\": \"sparse-bitmask\"}",
                "/transform_config|{\"config_groups\": {}}",
                "/something_new|1",
                "/config_groups|{}",
                "/config_groups|REMOVED",
                "/config_groups/group_0|[]",
                "/config_groups/group_0/something_new|null",
                "/config_groups/group_0/format|\"pack-quantized\"",
                "/config_groups/group_0/output_activations|{}",
                "/config_groups/group_0/targets|[]",
                "/config_groups/group_0/targets|\"Linear\"",
                "/config_groups/group_0/targets|[1]",
                "/config_groups/group_0/weights|null",
                "/config_groups/group_0/weights/something_new|null",
                "/config_groups/group_0/weights/actorder|\"sorted\"",
                "/config_groups/group_0/weights/num_bits|4",
                "/config_groups/group_0/weights/num_bits|8.0",
                "/config_groups/group_0/weights/num_bits|REMOVED",
                "/config_groups/group_0/weights/type|\"posit\"",
                "/config_groups/group_0/weights/strategy|REMOVED",
                "/config_groups/group_0/weights/strategy|\"tensor_group\"",
                "/config_groups/group_0/weights/strategy|\"row\"",
                "/config_groups/group_0/weights/strategy|\"group\"",
                "/config_groups/group_0/weights/strategy|\"block\"",
                "/config_groups/group_0/weights/group_size|128",
                "/config_groups/group_0/weights/block_structure|[128, 128]",
                "/config_groups/group_0/weights/dynamic|\"local\"",
                "/config_groups/group_0/weights/symmetric|\"yes\"",
                "/config_groups/group_0/weights/scale_dtype|\"torch.int4\"",
                "/config_groups/group_0/input_activations/something_new|1",
                "/ignore|\"lm_head\"",
                "/ignore|[\"\"]",
                "/ignore|[\"re:(\"]",
                "/ignore|[\"re:(?!x)y\"]",
                "/ignore|[\"re:(((a{30}){30}){30}\"]"
            })
    void refusesWhatItDoesNotUnderstand(String path, String value) {
        ObjectNode config = CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head"));
        int slash = path.lastIndexOf('/');
        ObjectNode owner = (ObjectNode) config.at(path.substring(0, slash));
        String member = path.substring(slash + 1);
        if (value.equals("REMOVED")) {
            owner.remove(member);
        } else {
            owner.set(member, JSON.readTree(value));
        }
        assertThat(catchThrowableOfType(QuantizationException.class, () -> Declaration.strict(config))
                        .code())
                .isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED);
    }

    /** Another spelling of no groups, which vLLM needs for experts. */
    @Test
    void takesGroupsOfAWholeRowForAScaleAChannel() {
        ObjectNode config = CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of());
        ((ObjectNode) config.at("/config_groups/group_0/weights")).put("group_size", -1);
        assertThat(Declaration.strict(config).groups().getFirst().weights()).isEqualTo(Scheme.FP8_DYNAMIC.weights());
        ((ObjectNode) config.at("/config_groups/group_0/input_activations")).put("group_size", -1);
        assertThat(catchThrowableOfType(QuantizationException.class, () -> Declaration.strict(config))
                        .code())
                .isEqualTo(ErrorCode.QUANTIZATION_UNSUPPORTED);
    }

    @ParameterizedTest
    @CsvSource({
        "/format, REMOVED",
        "/version, REMOVED",
        "/sparsity_config, REMOVED",
        "/transform_config, null",
        "/global_compression_ratio, 1.5"
    })
    void acceptsWhatLoadersFoundHarmless(String path, String value) {
        ObjectNode config = CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head"));
        if (value.equals("REMOVED")) {
            config.remove(path.substring(1));
        } else {
            config.set(path.substring(1), JSON.readTree(value));
        }
        assertThat(Declaration.strict(config).groups()).hasSize(1);
    }

    private static void assertEqualToGolden(String name, Scheme scheme) {
        Path folder = GoldenCheckpoints.manifestFile(name);
        JsonNode golden = JSON.readTree(folder.toFile()).path("quantization_config");
        ObjectNode expected = (ObjectNode) golden.deepCopy();
        expected.remove("version");
        ObjectNode actual = CompressedTensors.config(scheme, List.of("lm_head"));
        actual.remove("version");
        assertThat((JsonNode) actual).isEqualTo(expected);
    }

    @Test
    void matchesTheGoldenConfigOnDisk() {
        JsonNode golden = ConfigJson.read(GoldenCheckpoints.of("fp8-dynamic").resolve("config.json"))
                .quantizationConfig()
                .orElseThrow();
        assertThat(Declaration.strict(golden).groups().getFirst().weights()).isEqualTo(Scheme.FP8_DYNAMIC.weights());
    }
}
