package io.octavo.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

class ConfigSizesTest {

    private static void require(String architecture, String members) {
        ConfigSizes.require(JsonMapper.shared()
                .readTree("{\"architectures\": [\"" + architecture + "\"], " + members.replace('\'', '"') + "}"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "'num_hidden_layers': 0; num_hidden_layers is 0, must be a whole number from 1",
                "'num_hidden_layers': -1; num_hidden_layers is -1, must be",
                "'text_config': {'num_hidden_layers': '2'}; text_config.num_hidden_layers is \"2\", must be",
                "'hidden_size': '128'; hidden_size is \"128\", must be",
                "'hidden_size': 1099511627776; hidden_size is 1099511627776, must be",
                "'vocab_size': 1.5; vocab_size is 1.5, must be",
                "'num_hidden_layers': 3, 'layer_types': ['full_attention']; layer_types has 1 entries, num_hidden_layers is 3",
            })
    void refusesSizesThatAreNone(String members, String why) {
        String quoted = members.replace('\'', '"');
        assertThatThrownBy(() -> require("Qwen3ForCausalLM", quoted))
                .isInstanceOfSatisfying(
                        QuantizationException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFIG_INVALID))
                .hasMessageContaining(why);
    }

    /** Defaults are the loader's, and other families count otherwise. */
    @ParameterizedTest
    @ValueSource(strings = {"'num_hidden_layers': null", "'hidden_size': 64", "'num_hidden_layers': 2"})
    void takesWhatIsAbsent(String members) {
        assertThatCode(() -> require("Qwen3ForCausalLM", members)).doesNotThrowAnyException();
        assertThatCode(() -> require("OpenElmForCausalLM", "'num_attention_heads': [12, 12], " + members))
                .doesNotThrowAnyException();
    }
}
