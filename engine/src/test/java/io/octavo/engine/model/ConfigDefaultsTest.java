package io.octavo.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.GeneratedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The table of defaults beside what the config classes of transformers 5.18 hold when nothing is said. */
class ConfigDefaultsTest {

    /** Of training, of other uses than running, and of how classes are saved. */
    private static final Set<String> WITHOUT_EFFECT = Set.of(
            "_name_or_path",
            "attention_dropout",
            "chunk_size_feed_forward",
            "embd_pdrop",
            "id2label",
            "initializer_range",
            "is_encoder_decoder",
            "label2id",
            "model_type",
            "output_attentions",
            "output_hidden_states",
            "output_router_logits",
            "pad_token_id",
            "pretraining_tp",
            "problem_type",
            "resid_pdrop",
            "residual_dropout",
            "return_dict",
            "router_aux_loss_coef",
            "router_jitter_noise",
            "use_cache");

    /** Attention to both sides is refused; Phi-3 knows no rope type that needs it. */
    private static final Set<String> READ_ELSEWHERE =
            Set.of("use_bidirectional_attention", "original_max_position_embeddings");

    static List<String> architectures() {
        return Architectures.names();
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void areThoseOfTheConfigClass(String architecture) throws IOException {
        JsonNode expected = defaults().path(architecture);
        ObjectNode actual =
                CompleteConfig.read(architecture, bare(architecture)).copy();
        for (String key : ConfigDefaults.of(architecture).values().propertyNames()) {
            String name = key.equals("sliding_window_pattern") ? "_sliding_window_pattern" : key;
            assertThat(value(actual, key)).as(key).isEqualTo(value(expected, name));
        }
        if (expected.has("layer_types")) {
            assertThat(actual.path("layer_types")).isEqualTo(expected.path("layer_types"));
        }
        assertSameRope(actual.path("rope_parameters"), expected.path("rope_parameters"));
    }

    private static void assertSameRope(JsonNode actual, JsonNode expected) {
        for (String key : expected.propertyNames()) {
            if (expected.path(key).isObject()) {
                assertSameRope(actual.path(key), expected.path(key));
            } else if (expected.path(key).isNumber()) {
                assertThat(actual.path(key).doubleValue())
                        .as(key)
                        .isEqualTo(expected.path(key).doubleValue());
            }
        }
    }

    /** Derived values as what they are derived to be; numbers whichever way they are written. */
    private static Object value(JsonNode config, String key) {
        JsonNode value = config.path(key);
        if (key.equals("head_dim") && (value.isNull() || value.isMissingNode())) {
            return config.path("hidden_size").doubleValue()
                    / config.path("num_attention_heads").doubleValue();
        }
        if (key.equals("num_key_value_heads") && value.isNull()) {
            return config.path("num_attention_heads").doubleValue();
        }
        return value.isNumber() ? value.doubleValue() : value;
    }

    /** A key that a newer version adds must be looked at before it is passed over. */
    @Test
    void knowEveryKeyOfTheConfigClasses() throws IOException {
        for (String architecture : Architectures.names()) {
            ObjectNode known =
                    CompleteConfig.read(architecture, bare(architecture)).copy();
            for (String key : defaults().path(architecture).propertyNames()) {
                assertThat(known.has(key.replaceFirst("^_sliding", "sliding"))
                                || WITHOUT_EFFECT.contains(key)
                                || READ_ELSEWHERE.contains(key))
                        .as(architecture + " " + key)
                        .isTrue();
            }
        }
    }

    private static ObjectNode bare(String architecture) throws IOException {
        ObjectNode config = JsonMapper.shared().createObjectNode();
        for (String size :
                List.of("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")) {
            config.set(size, defaults().path(architecture).path(size));
        }
        config.putArray("architectures").add(architecture);
        return config;
    }

    private static JsonNode defaults() throws IOException {
        return JsonMapper.shared().readTree(Files.readString(GeneratedModel.golden("defaults.json")));
    }
}
