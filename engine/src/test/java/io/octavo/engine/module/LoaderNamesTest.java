package io.octavo.engine.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class LoaderNamesTest {

    private static final JsonNode TEXT = new JsonMapper().readTree("{\"model_type\": \"llama\"}");
    private static final JsonNode MULTIMODAL = new JsonMapper().readTree("{\"vision_config\": {\"depth\": 1}}");

    /** What transformers' tree and vLLM's tree call it must be among the spellings. */
    @ParameterizedTest
    @CsvSource({
        "visual.blocks.0.attn.qkv, model.visual.blocks.0.attn.qkv, visual.blocks.0.attn.qkv",
        "model.visual.merger.mlp.0, model.visual.merger.mlp.0, visual.merger.mlp.0",
        "model.layers.0.mlp.up_proj, model.language_model.layers.0.mlp.up_proj, language_model.model.layers.0.mlp.up_proj",
        "language_model.model.layers.0.mlp.up_proj, model.language_model.layers.0.mlp.up_proj,"
                + " language_model.model.layers.0.mlp.up_proj",
        "model.language_model.layers.0.conv.in_proj, model.language_model.layers.0.conv.in_proj,"
                + " language_model.model.layers.0.conv.in_proj",
        "language_model.lm_head, lm_head, language_model.lm_head",
        "lm_head, lm_head, language_model.lm_head",
        "vision_tower.vision_model.encoder.layers.0.mlp.fc1, model.vision_tower.encoder.layers.0.mlp.fc1,"
                + " vision_tower.vision_model.encoder.layers.0.mlp.fc1",
        "model.vision_tower.encoder.layers.0.mlp.fc1, model.vision_tower.encoder.layers.0.mlp.fc1,"
                + " vision_tower.vision_model.encoder.layers.0.mlp.fc1",
        "multi_modal_projector.linear_1, model.multi_modal_projector.linear_1, multi_modal_projector.linear_1",
    })
    void spellsAModuleAsEveryLoaderDoes(String module, String transformers, String vllm) {
        assertThat(new LoaderNames(MULTIMODAL, List.of()).spellings(module))
                .startsWith(module)
                .contains(transformers, vllm)
                .doesNotHaveDuplicates();
    }

    @Test
    void leavesNamesOfTextModelsAsTheyAre() {
        var names = new LoaderNames(TEXT, List.of());
        assertThat(names.spellings("model.layers.0.mlp.up_proj")).containsExactly("model.layers.0.mlp.up_proj");
        assertThat(names.spellings(List.of("lm_head", "visual.a"))).containsExactly("lm_head", "visual.a");
    }

    @Test
    void spellsNoModuleLikeAnotherOne() {
        var names = new LoaderNames(MULTIMODAL, List.of("visual.a.weight", "model.visual.a.bias"));
        assertThat(names.spellings("visual.a")).containsExactly("visual.a");
    }

    @Test
    void namesTheFirstExpertAsVllmAsksForIt() {
        var names = new LoaderNames(TEXT, List.of());
        String experts = "model.layers.0.block_sparse_moe.experts.";
        String mlp = "model.layers.0.mlp.experts.";
        assertThat(names.spellings(List.of(experts + "0.w1", experts + "0.w2", experts + "0.w3", experts + "1.w1")))
                .containsExactly(
                        experts + "0.w1",
                        experts + "0.w2",
                        experts + "0.w3",
                        experts + "1.w1",
                        experts + "0.gate_proj",
                        mlp + "0.w1",
                        mlp + "0.gate_proj",
                        experts + "0.down_proj",
                        mlp + "0.w2",
                        mlp + "0.down_proj",
                        experts + "0.up_proj",
                        mlp + "0.w3",
                        mlp + "0.up_proj",
                        mlp + "1.w1");
    }

    /** vLLM's names as it asks a config for them; the judged files of docs/schemes.md show that it does. */
    @ParameterizedTest
    @CsvSource({
        "falcon_h1, model.layers.2.mamba.in_proj, model.5.mixer.in_proj",
        "falcon_h1, model.layers.2.self_attn.q_proj, model.layers.2.q_proj",
        "phimoe, model.layers.2.block_sparse_moe.gate, model.layers.2.mlp.router",
        "granitemoehybrid, model.layers.2.mamba.in_proj, model.layers.2.mixer.in_proj",
        "minimax_m2, model.layers.2.block_sparse_moe.experts.0.w3, model.layers.2.mlp.experts.0.up_proj",
    })
    void spellsBlocksThatVllmCallsOtherwise(String type, String module, String vllm) {
        JsonNode config = new JsonMapper().readTree("{\"model_type\": \"" + type + "\", \"num_hidden_layers\": 3}");
        assertThat(new LoaderNames(config, List.of()).spellings(module))
                .startsWith(module)
                .contains(vllm);
    }
}
