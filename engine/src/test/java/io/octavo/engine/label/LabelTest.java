package io.octavo.engine.label;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GoldenCheckpoints;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.scheme.Scheme;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LabelTest {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    /** What configs of every layout are and run as, written down by hand from docs/checkpoint-formats.md. */
    static List<JsonNode> table() throws IOException {
        try (var lines = new BufferedReader(new InputStreamReader(
                Objects.requireNonNull(LabelTest.class.getResourceAsStream("configs.jsonl")),
                StandardCharsets.UTF_8))) {
            return lines.lines().map(JSON::readTree).toList();
        }
    }

    @ParameterizedTest
    @MethodSource("table")
    void saysWhatAConfigIsAndRunsAs(JsonNode row) {
        Label label = Label.of(config(row.path("config")));
        assertThat(label.text()).isEqualTo(row.path("label").asString());
        assertThat(label.executions().stream().map(Execution::runsAs).toList())
                .isEqualTo(
                        row.path("runsAs").valueStream().map(JsonNode::asString).toList());
        if (row.has("bitsPerWeight")) {
            assertThat(label.bitsPerWeight()).hasValue(row.path("bitsPerWeight").asDouble());
        } else {
            assertThat(label.bitsPerWeight()).isEmpty();
        }
        if (row.has("warning")) {
            assertThat(label.warnings()).contains(row.path("warning").asString());
        }
    }

    @Test
    void theTableIsLarge() throws IOException {
        assertThat(table()).hasSizeGreaterThanOrEqualTo(60);
    }

    @Test
    void namesEveryGenerationOnce() {
        Label label = Label.of(Scheme.FP8_DYNAMIC);
        assertThat(label.executions())
                .extracting(Execution::gpu)
                .containsExactly("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120");
    }

    @Test
    void ofASchemeIsThatOfTheConfigItWrites() {
        ConfigJson config =
                parse("{}").withQuantizationConfig(CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head")));
        assertThat(Label.of(config)).isEqualTo(Label.of(Scheme.FP8_DYNAMIC));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"dtype\":\"bfloat16\"}|BF16",
                "{\"torch_dtype\":\"float16\"}|F16",
                "{\"dtype\":\"float32\",\"quantization_config\":null}|F32",
                "{\"text_config\":{\"torch_dtype\":\"bfloat16\"}}|BF16",
                "{}|unquantized"
            })
    void namesTheNumberTypeOfUnquantizedModels(String config, String expected) {
        Label label = Label.of(parse(config));
        assertThat(label.text()).isEqualTo(expected);
        assertThat(label.executions()).isEmpty();
        assertThat(label.warnings()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "fp8-block, W8A8-FP8-block-dynamic, W8A16 W8A16 W8A16 W8A16 W8A8 W8A8 W8A8",
        "fp8-dynamic, W8A8-FP8-dynamic, W8A16 W8A16 W8A16 W8A8 W8A8 W8A8 W8A8",
        "fp8-static, W8A8-FP8-static, W8A16 W8A16 W8A16 W8A8 W8A8 W8A8 W8A8",
        "fp8-static-kv, W8A8-FP8-static-KV8, W8A16 W8A16 W8A16 W8A8 W8A8 W8A8 W8A8",
        "mxfp4, W4A4-MXFP4, - W4A16 W4A16 W4A16 W4A16 W4A4 W4A4",
        "mxfp4a16, W4A16-MXFP4, - W4A16 W4A16 W4A16 W4A16 W4A4 W4A4",
        "nvfp4, W4A4-NVFP4, W4A16 W4A16 W4A16 W4A16 W4A16 W4A4 W4A4",
        "nvfp4a16, W4A16-NVFP4, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w4a16-asym-gptq, W4A16-INT4-asym, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w4a16-asym-rtn, W4A16-INT4-asym, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w4a16-awq, W4A16-INT4, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w4a16-gptq, W4A16-INT4, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w4a16-rtn, W4A16-INT4, W4A16 W4A16 W4A16 W4A16 W4A16 W4A16 W4A16",
        "w8a16-rtn, W8A16-INT8, W8A16 W8A16 W8A16 W8A16 W8A16 W8A16 W8A16",
        "w8a8-dynamic-partial, W8A8-INT8-dynamic, W8A8 W8A8 W8A8 W8A8 W8A8 - -",
        "w8a8-dynamic-rtn, W8A8-INT8-dynamic, W8A8 W8A8 W8A8 W8A8 W8A8 - -",
        "w8a8-dynamic-sq0.8-gptq, W8A8-INT8-dynamic, W8A8 W8A8 W8A8 W8A8 W8A8 - -",
        "w8a8-static-rtn, W8A8-INT8-static, W8A8 W8A8 W8A8 W8A8 W8A8 - -"
    })
    void labelsWhatTheReferenceToolWrote(String name, String expected, String runsAs) {
        var manifest = ConfigJson.read(GoldenCheckpoints.manifestFile(name));
        Label label = Label.of(manifest);
        assertThat(label.text()).isEqualTo(expected);
        assertThat(label.executions().stream().map(Execution::runsAs).toList())
                .isEqualTo(Arrays.stream(runsAs.split(" "))
                        .map(row -> row.equals("-") ? Execution.FAILS : row)
                        .toList());
    }

    @Test
    void findsAConfigNestedInTheTextModels() {
        ConfigJson config = parse("{\"text_config\":{\"quantization_config\":{\"quant_method\":\"awq\",\"bits\":4,"
                + "\"group_size\":128}}}");
        assertThat(Label.of(config).text()).isEqualTo("W4A16-INT4-asym");
    }

    @Test
    void readsAConfigBesideTheModelsOwnOnlyWhereThatHasNone() {
        JsonNode beside = JSON.readTree("{\"quantization\":{\"quant_algo\":\"FP8\"}}");
        assertThat(Label.of(parse("{}"), beside).text()).isEqualTo("W8A8-FP8-static");
        ConfigJson own = parse("{\"quantization_config\":{\"quant_method\":\"hqq\"}}");
        assertThat(Label.of(own, beside).text()).isEqualTo("unknown (hqq)");
    }

    @Test
    void countsScalesInTheModelsOwnType() {
        ConfigJson config =
                parse("{\"dtype\":\"float32\",\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4,"
                        + "\"group_size\":32,\"sym\":true}}");
        assertThat(Label.of(config).bitsPerWeight()).hasValue(5);
    }

    /** Rows as vLLM and transformers 5.18 took, refused or misread files of this kind. */
    @ParameterizedTest
    @CsvSource({
        "W8A8, transformers cannot load experts",
        "W4A16_ASYM_G32, transformers cannot load experts",
        "MXFP8, transformers cannot load experts",
        "FP8_BLOCK, transformers cannot load experts",
        "NVFP4, transformers reads experts",
        "NVFP4A16, transformers reads experts",
        "W8A16, vLLM does not load these experts",
        "FP8_W8A16, vLLM does not load these experts",
        "W8A8_STATIC, vLLM does not load these experts",
        "FP8_DYNAMIC, ",
        "FP8, ",
        "W4A16, ",
        "W8A16_CHANNEL, ",
        "MXFP4, "
    })
    void saysWhichLoadersTakeExperts(String scheme, @Nullable String warning) {
        ConfigJson moe = parse("{\"model_type\": \"qwen3_moe\", \"num_experts\": 8, \"num_hidden_layers\": 2}");
        ConfigJson dense = parse("{\"model_type\": \"qwen3\", \"num_hidden_layers\": 2}");
        assertThat(expertWarnings(moe, Scheme.named(scheme), "lm_head"))
                .filteredOn(text -> warning == null || text.startsWith(warning))
                .hasSize(warning == null ? 0 : 1);
        assertThat(expertWarnings(dense, Scheme.named(scheme), "lm_head")).isEmpty();
        assertThat(expertWarnings(moe, Scheme.named(scheme), "model.layers.1.mlp.experts.0.gate_proj"))
                .isEmpty();
        assertThat(expertWarnings(moe, Scheme.named(scheme), "re:.*experts.*")).isEmpty();
    }

    @Test
    void saysWhichFamiliesTransformersDoesNotLoad() {
        ConfigJson t5 = parse("{\"model_type\": \"t5\"}");
        assertThat(Label.of(t5.withQuantizationConfig(
                                CompressedTensors.config(Scheme.named("W4A16"), List.of("lm_head"))))
                        .warnings())
                .anySatisfy(warning -> assertThat(warning).startsWith("transformers cannot load packed weights"));
        assertThat(Label.of(t5.withQuantizationConfig(
                                CompressedTensors.config(Scheme.named("FP8_DYNAMIC"), List.of("lm_head"))))
                        .warnings())
                .noneSatisfy(warning -> assertThat(warning).startsWith("transformers"));
    }

    /** As measured for vLLM #44529, and here in docs/benchmarks.md. */
    @ParameterizedTest
    @CsvSource({
        "W4A16, true",
        "W4A16_ASYM, true",
        "NVFP4A16, true",
        "W8A16, false",
        "FP8_DYNAMIC, false",
        "FP8_W8A16, false",
        "W4AFP8, false",
        "NVFP4, false"
    })
    void saysWhereFourBitsGainNothing(String scheme, boolean warns) {
        assertThat(
                        Label.of(config(CompressedTensors.config(Scheme.named(scheme), List.of("lm_head"))))
                                .warnings()
                                .stream()
                                .anyMatch(warning -> warning.contains("on Hopper, prompts and batches")))
                .isEqualTo(warns);
    }

    private static List<String> expertWarnings(ConfigJson model, Scheme scheme, String ignored) {
        return Label.of(model.withQuantizationConfig(CompressedTensors.config(scheme, List.of(ignored))))
                .warnings()
                .stream()
                .filter(warning -> warning.contains("experts"))
                .toList();
    }

    private static ConfigJson config(JsonNode quantization) {
        return parse("{}").withQuantizationConfig(quantization);
    }

    private static ConfigJson parse(String json) {
        return ConfigJson.parse(json.getBytes(StandardCharsets.UTF_8));
    }
}
