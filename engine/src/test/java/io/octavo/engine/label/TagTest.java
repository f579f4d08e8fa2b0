package io.octavo.engine.label;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.scheme.Scheme;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TagTest {

    private static final Map<String, Label> LABELS = Map.of(
            "fp8", Label.of(Scheme.FP8_DYNAMIC),
            "block",
                    parse(
                            "{\"quant_method\":\"fp8\",\"activation_scheme\":\"dynamic\",\"weight_block_size\":[128,128]}"),
            "static",
                    parse("{\"quant_method\":\"fp8\",\"activation_scheme\":\"static\",\"kv_cache_scheme\":\"static\"}"),
            "gptq", parse("{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":128,\"sym\":true}"),
            "awq", parse("{\"quant_method\":\"awq\",\"bits\":4,\"group_size\":64}"),
            "nvfp4", parse("{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\"}"),
            "nvfp4a16", parse("{\"quant_method\":\"modelopt\",\"quant_algo\":\"W4A16_NVFP4\"}"),
            "unknown", parse("{\"quant_method\":\"bitsandbytes\"}"),
            "plain", Label.of(json("{\"dtype\":\"bfloat16\"}")));

    @ParameterizedTest
    @CsvSource({
        "fp8, W8A8, true",
        "fp8, w8a8-fp8-dynamic, true",
        "fp8, FP8_DYNAMIC, true",
        "fp8, FP8, true",
        "fp8, W8A16, false",
        "fp8, FP8-static, false",
        "fp8, INT8, false",
        "fp8, FP8-block, false",
        "fp8, channel, true",
        "fp8, KV8, false",
        "fp8, W8AFP8, true",
        "fp8, BF16, false",
        "block, FP8-BLOCK, true",
        "static, FP8-static, true",
        "static, FP8-KV, true",
        "static, W8A8-KV8, true",
        "static, W8A8-KV4, false",
        "static, tensor, true",
        "gptq, W4A16, true",
        "gptq, W4A16-G128, true",
        "gptq, W4A16-G64, false",
        "gptq, INT4-sym, true",
        "gptq, asym, false",
        "awq, W4A16_ASYM, true",
        "awq, sym, false",
        "nvfp4, NVFP4, true",
        "nvfp4, W4A4, true",
        "nvfp4, NVFP4A16, false",
        "nvfp4a16, NVFP4A16, true",
        "unknown, W4A16, false",
        "plain, BF16, true",
        "plain, W16A16, true",
        "plain, FP16, false",
        "plain, W8A8, false",
        "fp8, W16A16, false"
    })
    void isTrueOrNot(String label, String tag, boolean expected) {
        assertThat(label(label).check(tag).configured()).isEqualTo(expected);
    }

    /** The complaint that the label answers: sold as W8A16, configured as W8A8, both depending on the GPU. */
    @Test
    void saysWhereATagThatTheConfigDeniesIsWhatRuns() {
        TagCheck check = label("fp8").check("W8A16");
        assertThat(check.configured()).isFalse();
        assertThat(check.executedOn()).containsExactly("sm_75", "sm_80", "sm_86");
        assertThat(check.explanation())
                .isEqualTo("W8A16 is not true: the config declares W8A8-FP8-dynamic; it runs as W8A16 on sm_75, sm_80,"
                        + " sm_86");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "fast", "W8A16-best", "W8", "Q4_K_M"})
    void refusesTagsThatNobodyCanCheck(String tag) {
        assertThatThrownBy(() -> label("fp8").check(tag))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.TAG_UNKNOWN))
                .hasMessageContaining("known are");
    }

    private static Label label(String name) {
        return Objects.requireNonNull(LABELS.get(name));
    }

    private static Label parse(String quantizationConfig) {
        return Label.of(json("{\"quantization_config\":" + quantizationConfig + "}"));
    }

    private static ConfigJson json(String json) {
        return ConfigJson.parse(json.getBytes(StandardCharsets.UTF_8));
    }
}
