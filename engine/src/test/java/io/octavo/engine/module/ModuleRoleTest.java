package io.octavo.engine.module;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ModuleRoleTest {

    private static final JsonNode CONFIG = new JsonMapper().readTree("""
            {"vocab_size": 98, "num_experts": 6, "num_hidden_layers": 2,
             "text_config": {"vocab_size": 97, "hidden_size": 48, "num_hidden_layers": 2}, "d_model": 32}
            """);

    @ParameterizedTest
    @CsvSource({
        // The name is a projection's: its shape is no matter.
        "model.layers.0.self_attn.q_proj, 98, 32, QUERY",
        "model.layers.0.mlp.up_proj, 6, 32, UP",
        "model.layers.0.mlp.experts.3.w2, 98, 32, DOWN",
        "decoder.block.0.layer.0.SelfAttention.k, 32, 32, KEY",
        "transformer.h.0.attn.c_attn, 96, 32, PROJECTION",
        "model.layers.0.mlp.shared_mlp.gate_proj, 64, 32, GATE",
        "model.layers.0.self_attn.indexer.wk, 32, 96, INDEXER",
        "model.layers.0.self_attn.indexer.weights_proj, 4, 96, INDEXER",
        "model.layers.0.self_attn.indexer.wq_b, 96, 64, PROJECTION",
        "model.layers.0.attention.wk, 32, 96, KEY",
        // Embeddings and heads, by name or by shape, of the model or of its text part.
        "shared, 98, 32, EMBEDDING",
        "model.embed_tokens, 98, 32, EMBEDDING",
        "transformer.wpe, 512, 32, EMBEDDING",
        "encoder.block.0.layer.0.SelfAttention.relative_attention_bias, 32, 2, EMBEDDING",
        "backbone_model.embed_tokens.embed_audio_tokens, 8192, 32, EMBEDDING",
        "fine_acoustics.input_embeds_layers.3, 1024, 32, EMBEDDING",
        "tapas.embeddings.token_type_embeddings_0, 3, 32, EMBEDDING",
        "encoder.embeddings.row_embedder, 4096, 32, EMBEDDING",
        "lm_head, 98, 32, OUTPUT_HEAD",
        "output, 98, 32, OUTPUT_HEAD",
        "head, 98, 32, OUTPUT_HEAD",
        "transformer.output_layer, 98, 32, OUTPUT_HEAD",
        "model.tok, 98, 32, OUTPUT_HEAD",
        "language_model.words, 97, 48, OUTPUT_HEAD",
        "v_head, 1, 32, OUTPUT_HEAD",
        "lm_head.out_proj, 98, 32, OUTPUT_HEAD",
        "classifier.out_proj, 3, 32, OUTPUT_HEAD",
        "model.layers.0.head.q_proj, 32, 32, QUERY",
        // Not what merely has such a word inside.
        "model.layers.0.mlp.embed_up, 64, 32, UNKNOWN",
        "model.layers.0.attention.output, 32, 32, UNKNOWN",
        // Routers, by name or by shape.
        "model.layers.0.mlp.gate, 4, 32, ROUTER",
        "model.layers.0.mlp.gate.wg, 4, 32, ROUTER",
        "model.layers.0.mlp.text_experts_gate, 4, 32, ROUTER",
        "model.layers.0.mlp.modality_router, 2, 32, ROUTER",
        "model.layers.0.ffn.router.layer, 4, 32, ROUTER",
        "model.layers.0.mlp.shared_expert_gate, 1, 32, ROUTER",
        "model.layers.0.mlp.chooser, 6, 32, ROUTER",
        // Prediction layers.
        "model.mtp_layers.0.input_proj, 32, 64, EXTRA_PREDICTION",
        "model.mtp_block.0.mlp.up_proj, 64, 32, EXTRA_PREDICTION",
        "model.mtp_linear_proj.0, 32, 64, EXTRA_PREDICTION",
        "mtp.fc, 32, 64, EXTRA_PREDICTION",
        "model.layers.2.mlp.up_proj, 64, 32, EXTRA_PREDICTION",
        "model.language_model.layers.2.mlp.up_proj, 64, 32, EXTRA_PREDICTION",
        "model.layers.1.mlp.up_proj, 64, 32, UP",
        // Towers and projectors, whatever their parts are called.
        "visual.blocks.0.mlp.up_proj, 64, 32, TOWER",
        "model.vision_tower.embeddings.patch_embedding, 32, 48, TOWER",
        "vision_tower.embeddings.position_embedding, 16, 32, TOWER",
        "model.connector.modality_projection.proj, 32, 64, TOWER",
        "mlp1.1, 64, 32, TOWER",
        "resampler.kv_proj, 32, 32, TOWER",
        "vpm.encoder.layers.0.self_attn.q_proj, 32, 32, TOWER",
        "vit.blocks.0.attn.qkv, 96, 32, TOWER",
        "vision_projection, 64, 32, TOWER",
        "audio_projector.linear, 64, 32, TOWER",
        "mlp_AR.linear_1, 64, 32, TOWER",
        "model.projector, 64, 32, TOWER",
        "vit_large_projector, 64, 32, TOWER",
        "qwen2_model.model.model.layers.0.mlp.up_proj, 64, 32, TOWER",
        "model.resampler_model.spatial_linear.0, 64, 32, TOWER",
        "model.merger.mlp.0, 64, 32, TOWER",
        "model.perceiver_resampler.blocks.0.0.q_proj, 32, 32, TOWER",
        "image_to_text_projection.dense, 64, 32, TOWER",
        "deepstack_merger_list.0.linear_fc1, 64, 32, TOWER",
        "language_projection, 64, 32, TOWER",
        "qformer.encoder.layer.0.attention.attention.query, 32, 32, TOWER",
        "model.semantic_connector.fc1, 64, 32, TOWER",
        "model.generation_aligner.fc1, 64, 32, TOWER",
        "codec_model.decoder_transformer.layers.0.mlp.fc1, 64, 32, TOWER",
        "model.acoustic_tokenizer_encoder.stem.stage.0.ffn.linear1, 64, 32, TOWER",
        "token2wav.code2wav_dit_model.transformer_blocks.0.attn.to_q, 32, 32, TOWER",
        "coarse_acoustics.layers.0.mlp.in_proj, 64, 32, PROJECTION",
        "model.layers.0.mlp1, 64, 32, UNKNOWN",
        // Blocks that layers share.
        "model.layers.1.shared_transf.self_attn.q_proj, 32, 32, SHARED",
        "model.layers.1.shared_transformer.feed_forward.gate_up_proj_adapter_list.1.1, 64, 32, SHARED",
        "model.layers.1.mamba.in_proj, 64, 32, PROJECTION",
        // Coefficients that mix hidden states, and matrices of norms.
        "model.layers.0.altup.correction_coefs, 4, 4, COEFFICIENTS",
        "model.layers.0.altup.prediction_coefs, 16, 4, COEFFICIENTS",
        "model.layers.0.altup.modality_router, 4, 32, ROUTER",
        "model.layers.0.input_layernorm.W_up, 32, 16, NORM",
        "model.layers.0.ada_rms_norm.linear1, 32, 32, NORM",
        "model.norm_scale, 2, 2, NORM",
        "transformer.blocks.0.norm_attn_norm.attn.Wqkv, 96, 32, PROJECTION",
        "model.layers.0.thing, 64, 32, UNKNOWN",
    })
    void tellsWhatAModuleIs(String module, long rows, long columns, ModuleRole role) {
        assertThat(ModuleRole.of(module, List.of(rows, columns), CONFIG)).isEqualTo(role);
    }

    @Test
    void knowsATowerThatOnlyLoadersNameSo() {
        JsonNode omni = new JsonMapper().readTree("{\"model_type\": \"cosmos3_omni\"}");
        List<Long> shape = List.of(64L, 32L);
        assertThat(ModuleRole.of("blocks.0.attn.proj", shape, omni)).isEqualTo(ModuleRole.TOWER);
        assertThat(ModuleRole.of("layers.0.self_attn.to_out", shape, omni)).isEqualTo(ModuleRole.UNKNOWN);
        assertThat(ModuleRole.of("blocks.0.attn.proj", shape, CONFIG)).isEqualTo(ModuleRole.PROJECTION);
    }

    @Test
    void takesNothingForAMatrixThatIsNone() {
        assertThat(ModuleRole.of("model.layers.0.conv.q_proj", List.of(32L, 1L, 3L), CONFIG))
                .isEqualTo(ModuleRole.OTHER);
    }

    @Test
    void knowsWhatLoadersFuse() {
        assertThat(ModuleRole.fusedWith("model.layers.0.self_attn.k_proj"))
                .containsExactly(
                        "model.layers.0.self_attn.q_proj",
                        "model.layers.0.self_attn.k_proj",
                        "model.layers.0.self_attn.v_proj");
        assertThat(ModuleRole.fusedWith("model.layers.0.mlp.experts.1.w1"))
                .containsExactly("model.layers.0.mlp.experts.1.w1", "model.layers.0.mlp.experts.1.w3");
        assertThat(ModuleRole.fusedWith("bert.encoder.layer.0.attention.self.key"))
                .containsExactly(
                        "bert.encoder.layer.0.attention.self.query",
                        "bert.encoder.layer.0.attention.self.key",
                        "bert.encoder.layer.0.attention.self.value");
        assertThat(ModuleRole.fusedWith("transformer.h.0.mlp.c_fc_1"))
                .containsExactly("transformer.h.0.mlp.c_fc_0", "transformer.h.0.mlp.c_fc_1");
        assertThat(ModuleRole.fusedWith("down_proj")).isEmpty();
        assertThat(ModuleRole.fusedWith("decoder.block.0.layer.0.SelfAttention.k"))
                .isEmpty();
    }

    @Test
    void givesAReasonForWhatIsLeftAloneAndForNothingElse() {
        assertThat(Arrays.stream(ModuleRole.values()).filter(ModuleRole::isQuantized))
                .allSatisfy(role -> assertThat(role.reason()).isEmpty());
        assertThat(ModuleRole.valueOf("ROUTER").reason()).isEqualTo("router of a mixture of experts");
    }
}
