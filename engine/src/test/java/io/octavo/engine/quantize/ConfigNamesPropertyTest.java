package io.octavo.engine.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.checkpoint.CheckpointFixture;
import io.octavo.engine.layout.compressed.CompressedTensors;
import io.octavo.engine.quantize.QuantizationPlan.Keep;
import io.octavo.engine.quantize.QuantizationPlan.Quantize;
import io.octavo.engine.request.Recipe;
import io.octavo.engine.request.SchemeOverride;
import io.octavo.kernels.number.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * Whatever a model's modules are called, its config names each of them as every loader spells it, on one side alone. What
 * is quantized, and how loaders spell names, is told here again, apart from the tables of the product.
 */
class ConfigNamesPropertyTest {

    private static final long HIDDEN = 32;
    private static final long VOCABULARY = 96;
    private static final long EXPERTS = 4;
    private static final long OTHER = 64;

    /** Names of Linears in decoder blocks, and some that no table has. */
    private static final List<String> QUANTIZED =
            List.of(("q_proj k_proj v_proj gate_proj up_proj w1 w3 qkv_proj o_proj gate_up_proj down_proj"
                            + " w2 q_a_proj kv_a_proj_with_mqa in_proj_qkv in_proj_z in_proj_b in_proj_a wq query q"
                            + " wk key k wv value v query_key_value wqkv w_pack qkv c_attn q_attn kv_proj dense"
                            + " dense_h_to_4h dense_4h_to_h c_proj c_fc fc1 fc2 fc_in fc_out wi wi_0 wi_1 wo o"
                            + " out_proj in_proj proj q_b_proj kv_b_proj kv_a_proj q_down_proj q_up_proj wq_b"
                            + " in_proj_qkvz in_proj_ba x_proj dt_proj g_proj b_proj f_a_proj f_b_proj g_a_proj"
                            + " g_b_proj weights_proj dense_1 dense_2 wkv thing other_linear 7 lin")
                    .split(" "));

    private static final List<String> EXPERT_PARTS =
            List.of("experts.0.w1 experts.0.w2 experts.0.w3 experts.1.w1 experts.1.w2 experts.1.w3".split(" "));

    /** Wherever a module of such a name stands, it is left alone. */
    private static final List<String> KEPT =
            List.of(("gate gate.wg router moe_gate gate_network shared_expert_gate text_experts_gate"
                            + " modality_router router.layer indexer.wk indexer.weights_proj wte wpe emb shared"
                            + " embeddings embedding embed token_embed token_embeds pos_emb type_embedding"
                            + " per_layer_embeddings embed_positions embed_in word_embeddings relative_attention_bias"
                            + " word_embed_tokens embed_audio_tokens input_embeds_layer input_embeds_layers.0 token_type_embeddings_1 row_embedder"
                            + " correction_coefs prediction_coefs input_layernorm.W_up"
                            + " embed_out score classifier head output_layer qa_outputs classification_head v_head"
                            + " classification_head.dense mtp.fc nextn.proj medusa.0 eagle.fc")
                    .split(" "));

    /** Parts of a model beside its decoder, at the top or below {@code model}. */
    private static final List<String> OUTSIDE = List.of(
            ("visual.blocks.0.attn.qkv vision_tower.encoder.layers.0.mlp.fc1 vision_model.encoder.layers.0.mlp.fc2"
                            + " vision_tower.vision_model.head.fc1 multi_modal_projector.linear_1"
                            + " multimodal_projector.fc multi_modality_projector.fc modality_projection.proj"
                            + " projector.linear mlp_AR.linear_1 vision_embed_tokens patch_merge_mlp.0 sam_model.blocks.0.mlp.lin1"
                            + " qwen2_model.model.model.layers.0.mlp.up_proj vision_tower.encoder.blocks.0.wo"
                            + " mm_projector.0 connector.proj aligner.fc1 mlp1.0 resampler.kv perceiver.fc"
                            + " vit.blocks.0.fc1 vpm.layers.0.fc1 apm.layers.0.fc1 embed_vision.embedding_projection"
                            + " embed_audio.embedding_projection image_projection.fc img_projection.0"
                            + " video_tower.layers.0.fc1 audio_tower.layers.1.fc1 speech_encoder.fc sound_projection.linear1"
                            + " perceiver_resampler.blocks.0.0.q_proj visual_abstractor.fc merger.mlp.0 deepstack_merger_list.0.fc1 language_projection qformer.encoder.layer.0.q"
                            + " semantic_connector.fc1 generation_aligner.fc1 codec_model.layers.0.fc1"
                            + " acoustic_tokenizer_encoder.stem.0.fc1 token2wav.fc"
                            + " mm_input_projection.fc mtp.layers.0.q_proj mtp_block.fc nextn_layers.0.fc medusa_head.0.fc"
                            + " eagle_layer.fc")
                    .split(" "));

    @TempDir
    Path folder;

    /**
     * Rows: a family; members of its config.json that hold the config of a part; where the decoder stands; the block that
     * its layers have; the output head; the names that transformers 5.18 makes of those in a checkpoint
     * (conversion_mapping.py); those that vLLM makes of a checkpoint's and of a config's (hf_to_vllm_mapper); by what else it
     * asks a config for a module.
     */
    @ParameterizedTest(name = "{0} {2}")
    @CsvSource(delimiter = '|', nullValues = "-", textBlock = """
            llama | - | model. | mlp | lm_head | - | - | -
            gpt_neox | - | gpt_neox. | attention | embed_out | ^embed_out>lm_head | - | -
            nemotron_h | - | backbone. | mixer | lm_head | ^backbone\\.>model. | ^backbone>model | -
            kimi_linear | - | model. | self_attn | lm_head | self_attn\\.(f_[ab]_proj)$>self_attn.forget_gate.$1 | - | -
            deepseek_v4 | - | '' | attn | head | ^layers\\.>model.layers., \\.attn\\.>.self_attn., \\.wq_b$>.q_b_proj,\
             \\.wkv$>.kv_proj, \\.indexer\\.weights_proj>.compressor.indexer.scorer.weights_proj | - | -
            kimi_k25 | text_config vision_config | language_model.model. | mlp | language_model.lm_head |\
             ^language_model\\.lm_head>lm_head, ^language_model\\.model>model.language_model,\
             ^vision_tower\\.encoder>model.vision_tower, ^mm_projector\\.0>model.mm_projector.in_proj,\
             ^vision_tower\\.vision_model>model.vision_tower | - | -
            voxtral | text_config audio_config | language_model.model.model. | mlp | language_model.lm_head |\
             ^language_model\\.lm_head>lm_head, ^language_model\\.model\\.model>model.language_model,\
             ^audio_tower>model.audio_tower, ^multi_modal_projector>model.multi_modal_projector | - | -
            bare | - | '' | self_attn | head | - | - | -
            qwen3 | - | '' | self_attn | head | ^layers\\.>model.layers. | ^layers\\.>model.layers. | -
            bloom | - | '' | self_attention | head | ^layers\\.>transformer.layers. | ^layers\\.>transformer.layers. | -
            mixtral | - | model. | block_sparse_moe | lm_head | \\.block_sparse_moe\\.>.mlp. | - |\
             (experts\\.0)\\.w1$>$1.gate_proj, (experts\\.0)\\.w3$>$1.up_proj, (experts\\.0)\\.w2$>$1.down_proj
            minimax_m2 | - | model. | block_sparse_moe | lm_head | \\.block_sparse_moe\\.>.mlp. | - |\
             \\.block_sparse_moe\\.>.mlp., (experts\\.0)\\.w1$>$1.gate_proj, (experts\\.0)\\.w3$>$1.up_proj,\
             (experts\\.0)\\.w2$>$1.down_proj
            phimoe | - | model. | block_sparse_moe | lm_head | \\.block_sparse_moe\\.>.mlp., \\.mlp\\.gate$>.mlp.router |\
             - | -
            granitemoehybrid | - | model. | mamba | lm_head | - | - | \\.mamba\\.>.mixer.
            thinker | thinker_config | thinker.model. | mlp | thinker.lm_head | - | ^thinker\\.model\\.>language_model.model.,\
             ^thinker\\.lm_head>language_model.lm_head, ^thinker\\.> | -
            llava as published | text_config vision_config | language_model.model. | mlp | language_model.lm_head |\
             ^language_model\\.lm_head>lm_head, ^language_model\\.model>model.language_model,\
             ^vision_tower(\\.vision_model)?>model.vision_tower, ^multi_modal_projector>model.multi_modal_projector |\
             ^model\\.language_model\\.>language_model.model., ^model\\.vision_tower\\.>vision_tower.,\
             ^model\\.multi_modal_projector\\.>multi_modal_projector. | -
            llava as saved | text_config vision_config | model.language_model. | mlp | lm_head | - |\
             ^model\\.language_model\\.>language_model.model., ^model\\.vision_tower\\.>vision_tower.,\
             ^model\\.multi_modal_projector\\.>multi_modal_projector., ^lm_head\\.>language_model.lm_head. | -
            qwen2_vl | vision_config | model. | self_attn | lm_head |\
             ^visual>model.visual, ^model\\.(?!language_model)(?!visual)>model.language_model. |\
             ^model\\.language_model\\.>language_model.model., ^model\\.visual\\.>visual., ^model\\.>language_model.model. | -
            paddleocr_vl | vision_config | model. | self_attn | lm_head | ^mlp_AR>model.projector, ^visual>model.visual,\
             ^model\\.(?!projector)(?!visual)>model.language_model. | - | -
            qwen2_audio | audio_config | language_model.model. | self_attn | language_model.lm_head |\
             ^language_model\\.lm_head>lm_head, ^language_model\\.model>model.language_model,\
             ^audio_tower>model.audio_tower, ^multi_modal_projector>model.multi_modal_projector | - | -
            hy_v3 | - | model. | mlp.shared_mlp | lm_head | \\.shared_mlp\\.>.shared_experts. | - | \\.shared_mlp\\.>.
            hy_v4 | - | model. | self_attn.linear_gate | lm_head | \\.linear_gate>.gate_proj | - | -
            laguna | - | model. | mlp.shared_expert | lm_head | \\.shared_expert\\.>.shared_experts. | - | -
            step3p7 | text_config vision_config | model. | share_expert | lm_head | ^model\\.layers>model.language_model.layers,\
             ^vision_model>model.vision_model, \\.share_expert\\.>.mlp.shared_experts. | - | -
            axk2 | - | model. | W_down | lm_head | W_down>mlp.fc1, W_up>mlp.fc2, self_attn\\.q_b_proj>self_attn.q_gate_proj\
             | - | -
            inkling_mm_model | - | model.llm. | attn.wq_du | lm_head | model\\.llm\\.layers>model.language_model.layers,\
             attn\\.wq_du>self_attn.q_proj | - | -
            cosmos3_omni | - | '' | self_attn.to_q | head | ^layers\\.>model.language_model.layers.,\
             \\.self_attn\\.to_q\\.>.self_attn.q_proj. | - | -
            cosmos3_edge | - | '' | mlp.up_proj | head | ^layers\\.>model.language_model.layers.,\
             \\.mlp\\.up_proj\\.>.mlp.fc1. | - | -
            qianfan_ocr | text_config vision_config | language_model.model. | mlp | language_model.lm_head |\
             ^vision_model>model.vision_tower, ^language_model\\.model>model.language_model, ^language_model\\.lm_head>lm_head,\
             ^mlp1\\.0>model.multi_modal_projector.layer_norm | - | -
            minimax_m3_vl | text_config vision_config | language_model.model. | block_sparse_moe.shared_experts |\
             language_model.lm_head | ^language_model\\.lm_head>lm_head, ^language_model\\.model>model.language_model,\
             \\.block_sparse_moe\\.>.mlp., \\.gate_proj$>.gate_up_proj, \\.up_proj$>.gate_up_proj | - | -
            hyperclovax_vision_v2 | text_config vision_config | model.language_model.model. | mlp | model.language_model.lm_head\
             | ^model\\.language_model\\.lm_head>lm_head, ^model\\.language_model\\.model>model.language_model | - | -
            qwen3_5_text | - | model.language_model. | mlp | lm_head | ^model\\.language_model>model | - | -
            qwen3_5_moe_text | - | model.language_model. | mlp | lm_head | ^model\\.language_model>model | - | -
            gemma3n_text | - | model.language_model. | mlp | lm_head | ^model\\.language_model>model | - | -
            emu3 | - | text_model.model. | mlp | text_model.lm_head | ^text_model\\.lm_head>lm_head,\
             ^text_model\\.model>model.text_model | - | -
            t5gemma2 | - | model.encoder. | mlp | lm_head.out_proj | ^model\\.encoder\\.layers>model.encoder.text_model.layers\
             | - | -
            hrm_text | - | model.H_module. | attn.gqkv_proj | lm_head | attn\\.gqkv_proj>self_attn.v_proj | - | -
            gte | - | model. | attention.qkv_proj | lm_head | attention\\.qkv_proj>self_attn.k_proj | - | -
            jina_embeddings_v3 | - | roberta.encoder. | mixer.Wqkv | lm_head.decoder | encoder\\.layers>layers,\
             mixer\\.Wqkv>self_attn.q_proj | - | -
            nomic_bert | - | encoder. | attn.Wqkv | lm_head | ^encoder\\.layers>layers,\
             attn\\.Wqkv>self_attn.k_proj, fc2$>down_proj | - | -
            pi0 | - | paligemma_with_expert.gemma_expert.model. | mlp | lm_head |\
             ^paligemma_with_expert\\.gemma_expert\\.model>model.dit | - | -
            cohere_asr | - | transf_decoder._decoder. | second_sub_layer.query_net | lm_head |\
             ^transf_decoder\\._decoder\\.layers>model.decoder.layers, \\.second_sub_layer\\.query_net>.encoder_attn.q_proj\
             | - | -
            glm5_next | - | model. | self_attn | lm_head | self_attn\\.(f_[ab]_proj)$>self_attn.forget_gate.$1 | - | -
            glm5_next_text | - | model. | self_attn | lm_head | self_attn\\.(f_[ab]_proj)$>self_attn.forget_gate.$1 | - | -
            falcon_h1 | - | model. | mamba | lm_head | - | - | ^model\\.layers\\.0\\.mamba>model.2.mixer,\
             ^model\\.layers\\.1\\.mamba>model.3.mixer
            exaone | - | transformer. | attn | lm_head | - | - | ^transformer\\.>model.
            lfm2_vl | text_config vision_config | model.language_model. | mlp | lm_head | - |\
             ^lm_head\\.>language_model.lm_head., ^model\\.language_model\\.>language_model.model.,\
             ^model\\.vision_tower\\.>vision_tower., ^model\\.multi_modal_projector\\.>multi_modal_projector. |\
             ^language_model\\.model\\.>language.model.
            ernie4_5_moe_vl | vision_config | model. | mlp | lm_head | - | ^model\\.>language_model.model. |\
             \\.mlp\\.gate$>.mlp.vision_experts_gate
            ernie4_5_vl_moe | vision_config | model. | mlp.experts.0 | lm_head | - | ^model\\.>language_model.model. |\
             \\.experts\\.>.text_experts.
            mllama | text_config vision_config | language_model.model. | mlp | language_model.lm_head |\
             ^language_model\\.lm_head>lm_head, ^language_model\\.model>model.language_model,\
             ^vision_model>model.vision_model, ^multi_modal_projector>model.multi_modal_projector | - | -
            """)
    void everyMatrixIsNamedOnOneSideUnderEverySpelling(
            String family,
            @Nullable String parts,
            String decoder,
            String block,
            String head,
            @Nullable String transformers,
            @Nullable String mapper,
            @Nullable String asks)
            throws IOException {
        var random = new SplittableRandom(family.hashCode());
        Map<String, Boolean> modules = modules(decoder, block, head, random);
        UnaryOperator<String> vllm = renaming(mapper);
        UnaryOperator<String> asked = renaming(asks);
        var loaders = List.of(
                new Loader("transformers", renaming(transformers), UnaryOperator.identity()),
                new Loader("vLLM", name -> asked.apply(vllm.apply(name)), vllm));
        try (Checkpoint checkpoint = Checkpoint.open(write(modules, family, parts, random))) {
            for (boolean twoSchemes : new boolean[] {false, true}) {
                List<SchemeOverride> overrides = twoSchemes
                        ? List.of(new SchemeOverride("W4A16_G32", List.of("re:.*layers\\.1\\..*")))
                        : List.of();
                var recipe = new Recipe("FP8_DYNAMIC", CompressedTensors.NAME, List.of()).withOverrides(overrides);
                QuantizationPlan plan = Quantizer.plan(checkpoint, recipe);
                assertTreated(plan, modules);
                JsonNode config = plan.quantizationConfig(checkpoint.config().tree());
                loaders.forEach(loader -> loader.assertNamed(config, modules, twoSchemes));
            }
        }
    }

    /** Names, and whether a module of that name is quantized. */
    private static Map<String, Boolean> modules(String decoder, String block, String head, SplittableRandom random) {
        Map<String, Boolean> modules = new LinkedHashMap<>();
        for (String layer : List.of(decoder + "layers.0.", decoder + "layers.1.")) {
            QUANTIZED.forEach(name -> modules.put(layer + block + "." + name, true));
            KEPT.forEach(name -> modules.put(layer + block + "." + name, false));
            for (int i = 0; i < 20; i++) {
                modules.put(layer + block + "." + madeUp(random), true);
            }
        }
        if (block.equals("block_sparse_moe")) {
            EXPERT_PARTS.forEach(name -> modules.put(decoder + "layers.0." + block + "." + name, true));
        }
        String top = decoder.equals("model.language_model.") ? "model." : "";
        OUTSIDE.forEach(name -> modules.put(top + name, false));
        modules.put(decoder + "embed_tokens", false);
        modules.put(head, false);
        return modules;
    }

    /** A name that no table has; digits, capitals and signs that mean something in patterns among it. */
    private static String madeUp(SplittableRandom random) {
        var name = new StringBuilder("x");
        for (int i = random.nextInt(3, 9); i > 0; i--) {
            name.append("abXZ09_-+*$(".charAt(random.nextInt(12)));
        }
        return name.toString();
    }

    /** Writes the modules, and some more that their shapes tell: of a vocabulary's size or as many rows as experts. */
    private Path write(Map<String, Boolean> modules, String family, @Nullable String parts, SplittableRandom random)
            throws IOException {
        String members = parts == null
                ? ""
                : Stream.of(parts.split(" "))
                        .map(part -> ", \"" + part + "\": {\"x\": 1}")
                        .collect(Collectors.joining());
        var model = new CheckpointFixture()
                .config(("{\"architectures\": [\"X\"], \"model_type\": \"%s\", \"vocab_size\": %d, \"num_experts\": %d,"
                                + " \"hidden_size\": %d, \"num_hidden_layers\": 2%s}")
                        .formatted(family, VOCABULARY, EXPERTS, HIDDEN, members));
        modules.keySet().forEach(name -> with(model, name, OTHER));
        String layer = modules.keySet().iterator().next();
        String block = layer.substring(0, layer.lastIndexOf('.') + 1);
        for (long rows : new long[] {VOCABULARY, EXPERTS}) {
            String name = block + madeUp(random) + "y";
            modules.put(name, false);
            with(model, name, rows);
        }
        return model.write(folder);
    }

    private static void with(CheckpointFixture model, String module, long rows) {
        model.with(module + ".weight", DType.BF16, List.of(rows, HIDDEN), new byte[Math.toIntExact(rows * HIDDEN * 2)]);
    }

    private static UnaryOperator<String> renaming(@Nullable String rules) {
        List<String> each = rules == null ? List.of() : List.of(rules.split(",\\s*"));
        return name -> {
            String renamed = name;
            for (String rule : each) {
                int arrow = rule.indexOf('>');
                renamed = renamed.replaceFirst(rule.substring(0, arrow), rule.substring(arrow + 1));
            }
            return renamed;
        };
    }

    private static void assertTreated(QuantizationPlan plan, Map<String, Boolean> modules) {
        assertThat(plan.quantized().stream().map(Quantize::module))
                .containsExactlyInAnyOrderElementsOf(modules.keySet().stream()
                        .filter(name -> Boolean.TRUE.equals(modules.get(name)))
                        .toList());
        assertThat(plan.kept().stream()
                        .map(Keep::source)
                        .map(source -> source.info().name()))
                .containsExactlyInAnyOrderElementsOf(modules.keySet().stream()
                        .filter(name -> Boolean.FALSE.equals(modules.get(name)))
                        .map(name -> name + ".weight")
                        .toList());
    }

    /**
     * @param module what it calls a module of the checkpoint
     * @param named what it makes of a name in the config
     */
    private record Loader(String name, UnaryOperator<String> module, UnaryOperator<String> named) {

        void assertNamed(JsonNode config, Map<String, Boolean> modules, boolean twoSchemes) {
            Set<String> ignore = names(config.path("ignore"));
            List<Pattern> patterns = ignore.stream()
                    .filter(entry -> entry.startsWith("re:"))
                    .map(entry -> Pattern.compile(entry.substring("re:".length())))
                    .toList();
            List<JsonNode> groups = config.path("config_groups").valueStream().toList();
            List<Set<String>> targets =
                    groups.stream().map(group -> names(group.path("targets"))).toList();
            List<String> bits = groups.stream()
                    .map(group -> group.path("weights").path("num_bits").asString())
                    .toList();
            assertThat(targets.contains(Set.of("Linear"))).isEqualTo(!twoSchemes);
            assertThat(groups).hasSize(twoSchemes ? 2 : 1);
            modules.forEach((checkpoint, quantized) -> {
                String called = module.apply(checkpoint);
                if (!checkpoint.matches("(.*\\.)?embed_tokens")) {
                    boolean fits = patterns.stream()
                            .anyMatch(pattern -> pattern.matcher(called).lookingAt());
                    assertThat(fits || ignore.contains(called))
                            .as("%s leaves %s alone", name, called)
                            .isEqualTo(!quantized);
                }
                List<String> wanted =
                        quantized && twoSchemes ? List.of(checkpoint.contains("layers.1.") ? "4" : "8") : List.of();
                assertThat(IntStream.range(0, groups.size())
                                .filter(group -> targets.get(group).contains(called))
                                .mapToObj(bits::get))
                        .as("%s, bits of %s", name, called)
                        .containsExactlyElementsOf(wanted);
            });
        }

        private Set<String> names(JsonNode array) {
            return array.valueStream().map(JsonNode::stringValue).map(named).collect(Collectors.toSet());
        }
    }
}
