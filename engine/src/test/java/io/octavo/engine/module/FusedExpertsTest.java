package io.octavo.engine.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class FusedExpertsTest {

    private static JsonNode config(String json) {
        return JsonMapper.shared().readTree(json);
    }

    private static JsonNode ofType(String type) {
        return config("{\"model_type\": \"" + type + "\", \"hidden_size\": 6}");
    }

    @Test
    void splitsGateFromUpRowByRow() {
        FusedExperts experts = FusedExperts.of(
                        "model.layers.3.mlp.experts.gate_up_proj", List.of(2L, 8L, 6L), ofType("qwen3_moe"))
                .orElseThrow();
        assertThat(experts.parts())
                .containsExactly(
                        new FusedExperts.Part("model.layers.3.mlp.experts.0.gate_proj", 0, 0, 4, 6, false),
                        new FusedExperts.Part("model.layers.3.mlp.experts.0.up_proj", 0, 4, 4, 6, false),
                        new FusedExperts.Part("model.layers.3.mlp.experts.1.gate_proj", 1, 0, 4, 6, false),
                        new FusedExperts.Part("model.layers.3.mlp.experts.1.up_proj", 1, 4, 4, 6, false));
    }

    @Test
    void turnsExpertsThatLieInputFirst() {
        FusedExperts experts = FusedExperts.of(
                        "language_model.model.layers.0.feed_forward.experts.down_proj",
                        List.of(1L, 4L, 6L),
                        config("{\"model_type\": \"llama4\", \"text_config\": {\"hidden_size\": 6}}"))
                .orElseThrow();
        assertThat(experts.alwaysSingle()).isTrue();
        assertThat(experts.parts())
                .containsExactly(new FusedExperts.Part(
                        "language_model.model.layers.0.feed_forward.experts.0.down_proj", 0, 0, 6, 4, true));
    }

    @Test
    void callsMixtralsExpertsAsLoadersDo() {
        assertThat(FusedExperts.of("m.mlp.experts.gate_up_proj", List.of(1L, 8L, 6L), ofType("mixtral"))
                        .orElseThrow()
                        .parts())
                .extracting(FusedExperts.Part::module)
                .containsExactly("m.mlp.experts.0.w1", "m.mlp.experts.0.w3");
    }

    @ParameterizedTest
    @CsvSource({
        "model.layers.0.mlp.experts.gate_up_proj, gpt_oss, model.layers.0.mlp.experts",
        "model.layers.0.mlp.experts.gate_up_proj, qwen3_vl_moe, model.layers.0.mlp.experts",
        "model.layers.0.experts.down_proj, gemma4, model.layers.0.experts",
        "model.layers.0.block_sparse_moe.input_linear.weight, granitemoe, model.layers.0.block_sparse_moe.experts",
        "model.layers.4.moe.up_proj.weight, step3p5, model.layers.4.moe.experts",
        "model.layers.0.ffn.experts.w1, unheard_of, model.layers.0.ffn.experts"
    })
    void leavesExpertsAloneThatLoadersTakeTogether(String tensor, String type, String experts) {
        FusedExperts found =
                FusedExperts.of(tensor, List.of(2L, 8L, 6L), ofType(type)).orElseThrow();
        assertThat(found.parts()).isEmpty();
        assertThat(found.listed())
                .contains(experts, experts + ".0.gate_proj", experts + ".0.up_proj", experts + ".0.down_proj");
    }

    @Test
    void leavesExpertsAloneThatLieBelowEachOther() {
        JsonNode config = ofType("dbrx");
        assertThat(FusedExperts.of("transformer.blocks.3.ffn.experts.mlp.v1", List.of(16L, 6L), config)
                        .orElseThrow()
                        .listed())
                .contains(
                        "transformer.blocks.3.ffn.0.gate_proj",
                        "transformer.blocks.3.ffn.0.up_proj",
                        "transformer.blocks.3.ffn.0.down_proj");
        assertThat(FusedExperts.of("model.layers.0.mlp.experts.0.w1.weight", List.of(16L, 6L), config))
                .isEmpty();
    }

    /** vLLM renames plain names that end in {@code down_proj} there; a pattern sees what it made of its own modules. */
    @Test
    void listsGptOssByPatternToo() {
        assertThat(FusedExperts.of("model.layers.7.mlp.experts.down_proj", List.of(2L, 8L, 6L), ofType("gpt_oss"))
                        .orElseThrow()
                        .listed())
                .contains("re:.*layers\\.7\\.mlp\\.experts\\.0\\.down_proj$");
    }

    /** Its rows would be taken for columns. */
    @Test
    void leavesExpertsAloneThatLieOtherwiseThanTheirFamilySays() {
        assertThat(FusedExperts.of("m.mlp.experts.gate_up_proj", List.of(2L, 6L, 8L), ofType("qwen3_moe"))
                        .orElseThrow()
                        .parts())
                .isEmpty();
    }

    /** Plans warn by it: transformers reads such experts in few formats. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "axk1",
                "deepseek_v4",
                "ernie4_5_vl_moe",
                "glm5_next",
                "hy_v3",
                "kimi_linear",
                "laguna",
                "mimo_v2_flash",
                "minimax_m3_vl",
                "mixtral",
                "nemotron_h",
                "qwen3_omni_moe",
                "qwen4_exp"
            })
    void knowsWhoseExpertsTransformersJoins(String type) {
        assertThat(FusedExperts.joinedByTransformers(ofType(type))).isTrue();
        assertThat(FusedExperts.joinedByTransformers(ofType("llama4"))).isFalse();
    }

    /** The decoder's own name says less. */
    @ParameterizedTest
    @CsvSource({"glm4v_moe, glm4v_moe_text", "kimi_k25, some_decoder", "minimax_m3_vl, minimax_m3_vl_text"})
    void knowsFamiliesInsideWrappers(String wrapper, String decoder) {
        ObjectNode config = JsonMapper.shared().createObjectNode().put("model_type", wrapper);
        config.putObject("text_config").put("model_type", decoder);
        assertThat(FusedExperts.joinedByTransformers(config)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.layers.0.conv.weight", "model.layers.0.mlp.gate_up_proj.weight"})
    void findsNoExpertsInOtherTensors(String tensor) {
        assertThat(FusedExperts.of(tensor, List.of(2L, 1L, 6L), ofType("qwen3_moe")))
                .isEmpty();
    }
}
