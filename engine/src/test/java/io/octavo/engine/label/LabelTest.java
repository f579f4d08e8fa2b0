package io.octavo.engine.label;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.QuantizationException;
import io.octavo.engine.TestModels;
import io.octavo.engine.checkpoint.ConfigJson;
import io.octavo.engine.layout.CompressedTensors;
import io.octavo.engine.scheme.Scheme;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelTest {

    @Test
    void saysWhatFp8DynamicIsAndWhatItRunsAs() {
        ConfigJson config =
                parse("{}").withQuantizationConfig(CompressedTensors.config(Scheme.FP8_DYNAMIC, List.of("lm_head")));
        Label label = Label.of(config);
        assertThat(label.text()).isEqualTo("W8A8-FP8-dynamic");
        assertThat(label).isEqualTo(Label.of(Scheme.FP8_DYNAMIC));
        assertThat(label.executions()).extracting(Label.Execution::runsAs).containsExactly("W8A16", "W8A8");
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
        assertThat(Label.of(parse(config)).text()).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({
        "fp8-dynamic, W8A8-FP8-dynamic",
        "fp8-static, W8A8-FP8-static",
        "fp8-block, W8A8-FP8-dynamic",
        "w8a8-dynamic-rtn, W8A8-INT8-dynamic",
        "w8a16-rtn, W8A16-INT8",
        "w4a16-gptq, W4A16-INT4"
    })
    void labelsWhatTheReferenceToolWrote(String name, String expected) {
        var manifest = ConfigJson.read(TestModels.shared("golden/manifests/" + name + ".json"));
        assertThat(Label.of(manifest).text()).isEqualTo(expected);
    }

    @Test
    void refusesConfigsThatItCannotRead() {
        ConfigJson config = parse("{\"quantization_config\":{\"quant_method\":\"gptq\",\"bits\":4}}");
        assertThatThrownBy(() -> Label.of(config)).isInstanceOf(QuantizationException.class);
    }

    private static ConfigJson parse(String json) {
        return ConfigJson.parse(json.getBytes(StandardCharsets.UTF_8));
    }
}
