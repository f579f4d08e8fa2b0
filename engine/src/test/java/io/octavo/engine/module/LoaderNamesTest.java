package io.octavo.engine.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
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
        "language_model.model.model.layers.0.mlp.up_proj, model.language_model.layers.0.mlp.up_proj,"
                + " language_model.model.layers.0.mlp.up_proj",
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

    @ParameterizedTest
    @ValueSource(strings = {"language_model.model.", "model.language_model."})
    void spellsTheDecoderOfLfm2VlAsVllmDoes(String decoder) {
        JsonNode config =
                new JsonMapper().readTree("{\"model_type\": \"lfm2_vl\", \"text_config\": {\"model_type\": \"lfm2\"}}");
        assertThat(new LoaderNames(config, List.of()).spellings(decoder + "layers.0.conv.in_proj"))
                .contains("language.model.layers.0.conv.in_proj");
    }

    /** As embedding models and older releases are saved: loaders know of a model around it. */
    @ParameterizedTest
    @CsvSource({
        "qwen3, layers.0.mlp.up_proj, model.layers.0.mlp.up_proj",
        "bloom, h.0.self_attention.dense, transformer.h.0.self_attention.dense",
        "bert, encoder.layer.0.output.dense, bert.encoder.layer.0.output.dense",
        "bert, encoder.layer.0.output.dense, model.encoder.layer.0.output.dense"
    })
    void spellsADecoderWithoutItsPrefixAsLoadersDo(String type, String module, String loader) {
        JsonNode config = new JsonMapper().readTree("{\"model_type\": \"" + type + "\"}");
        assertThat(new LoaderNames(config, List.of()).spellings(module))
                .startsWith(module)
                .contains(loader);
    }

    @Test
    void leavesNamesOfTextModelsAsTheyAre() {
        var names = new LoaderNames(TEXT, List.of());
        assertThat(names.spellings("model.layers.0.mlp.up_proj")).containsExactly("model.layers.0.mlp.up_proj");
        assertThat(names.spellings(List.of("lm_head", "visual.a"))).containsExactly("lm_head", "visual.a");
    }

    /** As transformers 5.18 calls them after loading what is published. */
    @ParameterizedTest
    @CsvSource({
        "nemotron_h, backbone.layers.2.mixer.in_proj, model.layers.2.mixer.in_proj",
        "kimi_linear, model.layers.0.self_attn.f_a_proj, model.layers.0.self_attn.forget_gate.f_a_proj",
        "hy_v3, model.layers.0.mlp.shared_mlp.up_proj, model.layers.0.mlp.shared_experts.up_proj",
        "hy_v4, model.layers.0.self_attn.linear_gate, model.layers.0.self_attn.gate_proj",
        "laguna, model.layers.0.mlp.shared_expert.up_proj, model.layers.0.mlp.shared_experts.up_proj",
        "deepseek_v4, layers.0.ffn.shared_experts.w1, model.layers.0.mlp.shared_experts.gate_proj",
        "deepseek_v4, layers.0.attn.wo_b, model.layers.0.self_attn.o_b_proj",
        "axk2, model.layers.0.self_attn.q_b_proj, model.layers.0.self_attn.q_gate_proj",
        "cosmos3_edge, layers.0.mlp.up_proj, model.language_model.layers.0.mlp.fc1",
        "cosmos3_omni, blocks.0.attn.qkv, model.visual.blocks.0.attn.qkv",
        "t5gemma2, model.encoder.layers.0.mlp.up_proj, model.encoder.text_model.layers.0.mlp.up_proj",
        "nomic_bert, nomic_bert.encoder.layers.0.mlp.fc12, nomic_bert.layers.0.mlp.gate_proj",
        "inkling_mm_model, model.llm.layers.0.attn.wr_du, model.language_model.layers.0.self_attn.r_proj",
        "hrm_text, model.H_module.layers.0.attn.gqkv_proj, model.H_module.layers.0.self_attn.v_proj",
        "nomic_bert, nomic_bert.encoder.layers.0.attn.Wqkv, nomic_bert.layers.0.self_attn.k_proj",
        "minimax_m3_vl, language_model.model.layers.0.block_sparse_moe.shared_experts.up_proj,"
                + " model.language_model.layers.0.mlp.shared_experts.gate_up_proj",
        "pi0, action_time_mlp_out, embed_action_time.action_time_mlp_out",
        "pi0, state_proj, embed_action_time.state_proj",
        "pi0, paligemma_with_expert.gemma_expert.model.layers.0.mlp.up_proj, model.dit.layers.0.mlp.up_proj",
        "pi0, paligemma_with_expert.paligemma.model.language_model.model.layers.0.mlp.up_proj,"
                + " model.vlm.language_model.layers.0.mlp.up_proj",
        "cohere_asr, transf_decoder._decoder.layers.0.third_sub_layer.dense_in, model.decoder.layers.0.mlp.fc1",
        "cohere_asr, model.transf_decoder._decoder.layers.0.second_sub_layer.key_net,"
                + " model.decoder.layers.0.encoder_attn.k_proj",
        "cohere_asr, model.encoder.layers.0.self_attn.linear_pos, model.encoder.layers.0.self_attn.relative_k_proj",
        "cohere_asr, encoder_decoder_proj, model.decoder.proj",
        "cohere_asr, log_softmax.mlp.layer0, proj_out",
        "qwen3_5_text, model.language_model.layers.0.mlp.up_proj, model.layers.0.mlp.up_proj",
    })
    void followsTransformersWhereItRenames(String type, String module, String transformers) {
        JsonNode config = new JsonMapper().readTree("{\"model_type\": \"" + type + "\"}");
        assertThat(new LoaderNames(config, List.of()).spellings(module))
                .startsWith(module)
                .contains(transformers);
        JsonNode part = new JsonMapper().readTree("{\"text_config\": {\"model_type\": \"" + type + "\"}}");
        assertThat(new LoaderNames(part, List.of()).spellings(module)).contains(transformers);
    }

    /** Whatever family the table knows, the property over random names goes through it. */
    @Test
    void hasARowOfThePropertyTestForEveryFamily() throws ClassNotFoundException {
        Class<?> property = Class.forName("io.octavo.engine.quantize.ConfigNamesPropertyTest");
        List<String> families = Arrays.stream(property.getDeclaredMethods())
                .flatMap(method -> Arrays.stream(method.getAnnotationsByType(CsvSource.class)))
                .flatMap(rows -> rows.textBlock().lines())
                .map(row -> row.strip().replaceFirst(" .*", ""))
                .toList();
        assertThat(families).containsAll(TransformersFamilies.RENAMES.keySet());
    }

    @Test
    void leavesPatternsAsTheyAre() {
        assertThat(new LoaderNames(MULTIMODAL, List.of())
                        .spellings(LoaderNames.pattern(ModuleRole.TOWER).orElseThrow()))
                .containsExactly(LoaderNames.pattern(ModuleRole.TOWER).orElseThrow());
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
        "exaone, transformer.h.0.attn.attention.q_proj, model.h.0.attn.attention.q_proj",
        "hy_v3, model.layers.0.mlp.shared_mlp.up_proj, model.layers.0.mlp.up_proj",
        "ernie4_5_moe_vl, model.layers.1.mlp.gate, model.layers.1.mlp.text_experts_gate",
        "ernie4_5_moe_vl, model.layers.1.mlp.gate, model.layers.1.mlp.vision_experts_gate",
        "ernie4_5_moe_vl, model.layers.1.mlp.experts.0.up_proj, model.layers.1.mlp.text_experts.0.up_proj",
        "ernie4_5_moe_vl, model.layers.1.mlp.experts.0.up_proj, model.layers.1.mlp.vision_experts.0.up_proj",
        "minimax_m2, model.layers.2.block_sparse_moe.experts.0.w3, model.layers.2.mlp.experts.0.up_proj",
    })
    void spellsBlocksThatVllmCallsOtherwise(String type, String module, String vllm) {
        JsonNode config = new JsonMapper().readTree("{\"model_type\": \"" + type + "\", \"num_hidden_layers\": 3}");
        assertThat(new LoaderNames(config, List.of()).spellings(module))
                .startsWith(module)
                .contains(vllm);
    }
}
