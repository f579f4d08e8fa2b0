package io.octavo.engine.module;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * What loaders do to models of one family or another, by the model types of config.json: how transformers 5.18 renames their
 * modules while it loads them (its conversion_mapping.py), under which names vLLM asks for them where it has others, and which
 * Linears transformers makes that have no tensor of their own.
 */
final class TransformersFamilies {

    /**
     * Types, and what becomes of a name: patterns and replacements, each applied in turn. Names end in a dot here; braces
     * hold the parts that a weight is cut into.
     */
    private static final String RENAMED = """
            nemotron_h | \\bbackbone\\. > model.
            kimi_linear glm5_next glm5_next_text | self_attn\\.(f_[ab]_proj)\\. > self_attn.forget_gate.$1.
            phimoe | \\.block_sparse_moe\\. > .mlp. | \\.mlp\\.gate\\. > .mlp.router.
            hy_v3 | \\.shared_mlp\\. > .{,shared_experts.}
            exaone | ^transformer\\. > model.
            lfm2_vl | ^language_model\\.model\\. > language.model.
            ernie4_5_vl_moe ernie4_5_moe_vl | \\.mlp\\.gate\\. > .mlp.{text_experts_gate,vision_experts_gate}. |\
             \\.experts\\. > .{text_experts,vision_experts}.
            hy_v4 | \\.linear_gate\\. > .gate_proj.
            laguna | \\.shared_expert\\. > .shared_experts.
            step3p7 | \\.share_expert\\. > .mlp.shared_experts.
            axk2 | W_down\\. > mlp.fc1. | W_up\\. > mlp.fc2. | self_attn\\.q_b_proj\\. > self_attn.q_gate_proj.
            deepseek_v4 | ^layers\\. > model.layers. | \\.attn\\. > .self_attn. | \\.ffn\\. > .mlp. |\
             \\.indexer\\.compressor\\. > .compressor.indexer. | \\.wq_a\\. > .q_a_proj. |\
             \\.indexer\\.weights_proj\\. > .compressor.indexer.scorer.weights_proj. |\
             \\.indexer\\.wq_b\\. > .compressor.indexer.q_b_proj. | \\.self_attn\\.wq_b\\. > .self_attn.q_b_proj. |\
             \\.wkv\\. > .kv_proj. | \\.wgate\\. > .gate_proj. | \\.wo_([ab])\\. > .o_$1_proj. |\
             \\.shared_experts\\.w1\\. > .shared_experts.gate_proj. | \\.shared_experts\\.w2\\. > .shared_experts.down_proj. |\
             \\.shared_experts\\.w3\\. > .shared_experts.up_proj.
            inkling_mm_model | model\\.llm\\.layers > model.language_model.layers | attn\\.wq_du > self_attn.q_proj |\
             attn\\.wk_dv > self_attn.k_proj | attn\\.wv_dv > self_attn.v_proj | attn\\.wr_du > self_attn.r_proj |\
             attn\\.wo_ud > self_attn.o_proj
            cosmos3_omni | ^layers\\. > model.language_model.layers. | \\.to_([qkv])\\. > .$1_proj. |\
             \\.to_out\\. > .o_proj. | ^(blocks|merger|patch_embed|pos_embed|deepstack_merger_list)\\. > model.visual.$1.
            cosmos3_edge | ^layers\\. > model.language_model.layers. | \\.to_([qkv])\\. > .$1_proj. |\
             \\.to_out\\. > .o_proj. | \\.mlp\\.up_proj\\. > .mlp.fc1. | \\.mlp\\.down_proj\\. > .mlp.fc2.
            kimi_k25 | ^language_model\\.model\\.(?:blocks|layers)\\. > model.language_model.layers.
            qianfan_ocr | ^language_model\\.model\\.(?:encoder\\.)?layers\\. > model.language_model.layers.
            minimax_m3_vl | \\.(?:gate|up)_proj\\. > .gate_up_proj. | ^language_model\\.model\\. > model.language_model. | \\.block_sparse_moe\\. > .mlp. |\
             \\.self_attn\\.index_([qk]_proj)\\. > .self_attn.indexer.$1.
            hyperclovax_vision_v2 | ^model\\.language_model\\.model\\. > model.language_model.
            qwen3_5_text qwen3_5_moe_text gemma3n_text | ^model\\.language_model\\. > model.
            emu3 | ^text_model\\.model\\. > model.text_model.
            t5gemma2 | ^model\\.encoder\\.layers\\. > model.encoder.text_model.layers.
            hrm_text | \\.attn\\.o_proj\\. > .self_attn.o_proj. | \\.attn\\.gqkv_proj\\. > .self_attn.{gate,q,k,v}_proj. |\
             \\.mlp\\.gate_up_proj\\. > .mlp.{gate,up}_proj.
            gte | encoder\\.layer\\. > layers. | attention\\.o_proj\\. > self_attn.o_proj. |\
             attention\\.qkv_proj\\. > self_attn.{q,k,v}_proj. | mlp\\.up_gate_proj\\. > mlp.{up,gate}_proj.
            jina_embeddings_v3 | encoder\\.layers\\. > layers. | mixer\\.out_proj\\. > self_attn.o_proj. |\
             mixer\\.Wqkv\\. > self_attn.{q,k,v}_proj.
            nomic_bert | encoder\\.layers\\. > layers. | attn\\.out_proj\\. > self_attn.o_proj. |\
             attn\\.Wqkv\\. > self_attn.{q,k,v}_proj. | fc11\\. > up_proj. |\
             fc12\\. > gate_proj. | fc2\\. > down_proj.
            pi0 | ^((?:state|action_in)_proj|action_time_mlp_(?:in|out))\\. > embed_action_time.$1. |\
             ^paligemma_with_expert\\.paligemma\\.model\\. > model.vlm. |\
             ^paligemma_with_expert\\.gemma_expert\\.model\\. > model.dit. | \\.language_model\\.model\\. > .language_model.
            cohere_asr | ^(encoder|transf_decoder|encoder_decoder_proj)\\. > model.$1. |\
             \\.transf_decoder\\._decoder\\.layers\\. > .decoder.layers. | \\.encoder_decoder_proj\\. > .decoder.proj. |\
             \\.pre_encode\\.out\\. > .subsampling.linear. | \\.linear_([qkv])\\. > .$1_proj. |\
             \\.linear_out\\. > .o_proj. | \\.linear_pos\\. > .relative_k_proj. |\
             \\.first_sub_layer\\. > .self_attn. | \\.second_sub_layer\\. > .encoder_attn. |\
             \\.third_sub_layer\\.dense_in\\. > .mlp.fc1. | \\.third_sub_layer\\.dense_out\\. > .mlp.fc2. |\
             \\.query_net\\. > .q_proj. | \\.key_net\\. > .k_proj. | \\.value_net\\. > .v_proj. |\
             \\.out_projection\\. > .o_proj. | ^log_softmax\\.mlp\\.layer0\\. > proj_out.
            """;

    /** Types, and heads that are one tensor with an embedding, and so no tensor of a checkpoint. */
    private static final String TIED_HEADS = """
            whisper moonshine canary cohere_asr | proj_out
            bert big_bird deberta deberta-v2 ernie fnet layoutlm megatron-bert mobilebert mra nomic_bert nystromformer\
             roc_bert roformer squeezebert tapas yoso | cls.predictions.decoder
            roberta xlm-roberta camembert bert-generation data2vec-text gte ibert jina_embeddings_v3 longformer mpnet\
             roberta-prelayernorm xlm-roberta-xl xmod | lm_head.decoder
            modernbert modernbert-decoder | decoder
            distilbert | vocab_projector
            albert | predictions.decoder
            electra convbert | generator_lm_head
            t5gemma t5gemma2 | lm_head.out_proj
            kosmos-2 kosmos-2.5 | text_model.lm_head
            seamless_m4t seamless_m4t_v2 | t2u_model.lm_head
            biogpt trocr | output_projection
            flaubert xlm | pred_layer.proj
            gpt_neox_japanese | embed_out
            xlnet | lm_loss
            blip | text_decoder.cls.predictions.decoder
            luke | entity_predictions.decoder
            neomme | unembedding_projection
            """;

    private static final String COLUMN = " +\\| +";

    record Rename(Pattern pattern, String replacement) {
        static Rename of(String rule) {
            String[] sides = rule.split(" > ", 2);
            return new Rename(Pattern.compile(sides[0]), sides[1].strip());
        }
    }

    static final Map<String, List<Rename>> RENAMES = new HashMap<>();
    private static final Map<String, String> HEADS = new HashMap<>();

    static {
        table(RENAMED).forEach(row -> {
            List<Rename> renames = row.stream().skip(1).map(Rename::of).toList();
            types(row).forEach(type -> RENAMES.put(type, renames));
        });
        table(TIED_HEADS).forEach(row -> types(row).forEach(type -> HEADS.put(type, row.getLast())));
    }

    private TransformersFamilies() {}

    private static Stream<List<String>> table(String text) {
        return text.lines().map(line -> List.of(line.strip().split(COLUMN)));
    }

    private static Stream<String> types(List<String> row) {
        return Arrays.stream(row.getFirst().split(" "));
    }

    /** Linears that a model has without a tensor of their own, and that a config must list as left alone. */
    static Optional<String> tiedHead(JsonNode config) {
        return Optional.ofNullable(HEADS.get(type(config)));
    }

    /** What renames modules of such a model; nothing for most. */
    static List<Rename> renames(JsonNode config) {
        var renames = new ArrayList<Rename>();
        Stream.concat(Stream.of(config), config.valueStream())
                .map(part -> RENAMES.getOrDefault(type(part), List.of()))
                .forEach(renames::addAll);
        return renames;
    }

    private static String type(JsonNode config) {
        return config.path("model_type").asString("");
    }

    /** A module's names after all of these; its own where none fits. */
    static Stream<String> renamed(String module, List<Rename> renames) {
        String name = module + ".";
        for (Rename rename : renames) {
            name = rename.pattern.matcher(name).replaceFirst(rename.replacement);
        }
        String whole = name.substring(0, name.length() - 1);
        int open = whole.indexOf('{');
        int close = whole.indexOf('}');
        return open < 0 || close < open || whole.equals(module)
                ? Stream.of(whole)
                : Arrays.stream(whole.substring(open + 1, close).split(","))
                        .map(part -> whole.substring(0, open) + part + whole.substring(close + 1));
    }
}
