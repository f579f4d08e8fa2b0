package io.octavo.engine.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.octavo.engine.TestModels;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class ConfigJsonTest {

    private static final ObjectNode QUANTIZATION =
            JsonNodeFactory.instance.objectNode().put("bits", 8).set("empty", JsonNodeFactory.instance.objectNode());

    @Test
    void keepsEveryOtherByte() {
        ConfigJson config = ConfigJson.read(TestModels.books5m().resolve("config.json"));
        String before = new String(config.bytes(), StandardCharsets.UTF_8);
        String after = new String(config.withQuantizationConfig(QUANTIZATION).bytes(), StandardCharsets.UTF_8);
        String member = ",\n  \"quantization_config\": {\n    \"bits\": 8,\n    \"empty\": {}\n  }";
        assertThat(before).contains("1e-05");
        assertThat(after).contains(member).isNotEqualTo(before);
        assertThat(after.replace(member, "")).isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{}|{\"quantization_config\": {\"bits\":8,\"empty\":{}}}",
                "{ \"a\": 1E+2 }|{ \"a\": 1E+2, \"quantization_config\": {\"bits\":8,\"empty\":{}} }",
                "{\"a\":[{\"b\":\"}\"}]}|{\"a\":[{\"b\":\"}\"}], \"quantization_config\": {\"bits\":8,\"empty\":{}}}",
                "{\"a\":Infinity}|{\"a\":Infinity, \"quantization_config\": {\"bits\":8,\"empty\":{}}}",
                "{\"a\":1,\"quantization_config\" : null, \"b\":2}|"
                        + "{\"a\":1,\"quantization_config\" : {\"bits\":8,\"empty\":{}}, \"b\":2}",
                "{\"a\":1,\"quantization_config\":{\"x\":[1]},\"b\":2}|"
                        + "{\"a\":1,\"quantization_config\":{\"bits\":8,\"empty\":{}},\"b\":2}"
            })
    void splicesIntoAnySpelling(String before, String after) {
        ConfigJson config = parse(before).withQuantizationConfig(QUANTIZATION);
        assertThat(new String(config.bytes(), StandardCharsets.UTF_8)).isEqualTo(after);
        assertThat(config.quantizationConfig()).contains(QUANTIZATION);
    }

    @Test
    void splicesIntoAnEmptyObjectOverSeveralLines() {
        ConfigJson config = parse("{\n}\n").withQuantizationConfig(QUANTIZATION);
        assertThat(config.quantizationConfig()).contains(QUANTIZATION);
    }

    @Test
    void saysWhatIsWrongWithAByteOrderMark() {
        assertThatThrownBy(() -> parse("\uFEFF{}")).hasMessageContaining("byte order mark");
    }

    @Test
    void readsArchitectures() {
        assertThat(parse("{\"architectures\":[\"A\",\"B\"]}").architectures()).isEqualTo(List.of("A", "B"));
        assertThat(parse("{\"architectures\":null}").architectures()).isEmpty();
        assertThat(parse("{}").architectures()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "null", "{", "{}{}", "{\"a\":1,\"a\":2}", "\ufeff{}", "{\"a\":tru}"})
    void rejectsWhatIsNoJsonObject(String text) {
        assertRejected(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void rejectsHostileNestingAndEncoding() {
        assertRejected(("{\"a\":" + "[".repeat(100_000)).getBytes(StandardCharsets.UTF_8));
        assertRejected("{\"a\":1}".getBytes(StandardCharsets.UTF_16LE));
        assertRejected(new byte[] {'{', '"', (byte) 0xFF, '"', ':', '1', '}'});
    }

    private static ConfigJson parse(String text) {
        return ConfigJson.parse(text.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertRejected(byte[] bytes) {
        assertThat(catchThrowableOfType(QuantizationException.class, () -> ConfigJson.parse(bytes))
                        .code())
                .isEqualTo(ErrorCode.CONFIG_INVALID);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{\"a\": 1,\n // b\n", "{\"a\": [1", "{\"a\": 1, \"a\": 2}", "{\"a\": @}"})
    void saysWhatIsNoJsonAndWhereInWordsOfJson(String text) {
        assertThatThrownBy(() -> ConfigJson.parse(text.getBytes(StandardCharsets.UTF_8)))
                .hasMessageMatching("config\\.json: no valid JSON: .+, at line [12], column [0-9]+")
                .hasMessageNotContainingAny("Feature", "REDACTED", "UNKNOWN", "StreamRead", "ALLOW");
    }

    @Test
    void saysThatANumberIsTooLongInWordsOfJson() {
        String text = "{\"a\": 1" + "0".repeat(5000) + "}";
        assertThatThrownBy(() -> ConfigJson.parse(text.getBytes(StandardCharsets.UTF_8)))
                .hasMessageStartingWith("config.json: no valid JSON: ")
                .hasMessageNotContaining("StreamRead");
    }
}
