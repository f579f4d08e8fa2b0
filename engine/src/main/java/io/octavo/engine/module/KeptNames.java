package io.octavo.engine.module;

import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Names of modules that are left alone, by role; all in lower case. */
final class KeptNames {

    private static final Set<String> OUTPUT_HEADS = Set.of(
            "embed_out",
            "logits_dense",
            "score",
            "classifier",
            "head",
            "output_layer",
            "qa_outputs",
            "classification_head");
    private static final String OUTPUT_HEAD_END = "_head";

    private static final Set<String> EMBEDDINGS =
            Set.of("wte", "wpe", "emb", "shared", "embeddings", "embedding", "embed", "embed_global", "embed_char");
    private static final List<String> EMBEDDING_ENDS =
            List.of("_embed", "_embeds", "_emb", "_embedding", "_embeddings", "_embedder");
    private static final List<String> EMBEDDING_BEGINS =
            List.of("embed_tokens", "embed_positions", "embed_in", "word_embed");
    /** Relative positions of T5 and its like are an embedding, whatever it is called. */
    private static final String POSITION_BIAS_END = "attention_bias";
    /** Embeddings of several kinds of input, which have more words or a number in their names. */
    private static final Pattern ONE_EMBEDDING_OF_SEVERAL =
            Pattern.compile("embed_.+_tokens|.*_embeds_layers?|.*_embeddings_[0-9]+");

    /** What mixes a few copies of the hidden state: too small to gain by, and its sizes are no multiples of any group. */
    private static final Set<String> COEFFICIENTS = Set.of("correction_coefs", "prediction_coefs");

    private static final Set<String> ROUTERS = Set.of("router", "moe_gate", "gate_network");
    private static final List<String> ROUTER_ENDS = List.of("_router", "expert_gate", "experts_gate");
    /** A router itself, or the module that holds its weight as {@code gate.wg}. */
    private static final String GATE = "gate";

    /** What picks tokens for sparse attention: vLLM joins these two and keeps them as they are, whatever a config says. */
    private static final String INDEXER = "indexer";

    private static final Set<String> INDEXER_PARTS = Set.of("wk", "weights_proj");

    /**
     * Blocks of Zamba that several layers share and a checkpoint stores once: loaders make modules of each layer, and give the
     * others the weight without its scales.
     */
    private static final Set<String> SHARED = Set.of("shared_transf", "shared_transformer");

    static final String ANY_SHARED = ModulePattern.REGEX_PREFIX + ".*\\.shared_transf(?:ormer)?\\.";

    /** Towers and projectors of other inputs than text: they stand above every numbered layer of a decoder. */
    private static final List<String> TOWERS = List.of(
            "modality_projection",
            "connector",
            "aligner",
            "mlp1",
            "mlp_ar",
            "patch_merge_mlp",
            "perceiver",
            "vit",
            "vpm",
            "apm",
            "sam_model",
            "qwen2_model",
            "embed_vision",
            "embed_audio",
            "merger",
            "deepstack_merger_list",
            "language_projection",
            "qformer",
            "token2wav",
            "code2wav");

    private static final List<String> TOWER_BEGINS = List.of(
            "vision", "visual", "image", "img_", "video", "audio", "speech", "sound", "mm_", "resampler", "codec");

    private static final List<String> TOWER_ENDS =
            List.of("projector", "connector", "aligner", "resampler", "abstractor", "tokenizer_encoder");

    /**
     * The same for loaders, which call what lies inside of a tower otherwise than checkpoints do, and even store it in other
     * pieces.
     */
    static final String ANY_TOWER = ModulePattern.REGEX_PREFIX + "(?i)(?:[0-9]*[^.0-9][^.]*\\.)*(?:(?:"
            + String.join("|", TOWERS) + ")|(?:" + String.join("|", TOWER_BEGINS) + ")[^.]*|[^.]*(?:"
            + String.join("|", TOWER_ENDS) + "))(?:\\.|$)";

    /** DBRX's. */
    private static final String ATTENTION_BETWEEN_NORMS = "norm_attn_norm";

    private static final List<String> EXTRA_PREDICTION_BEGINS = List.of("mtp", "nextn", "medusa", "eagle");

    private static final Set<String> CONV1D_MODELS = Set.of("gpt2", "openai-gpt", "imagegpt", "decision_transformer");
    private static final Set<String> CONV1D_MODULES = Set.of("c_attn", "c_proj", "c_fc", "q_attn");

    private KeptNames() {}

    static boolean isTower(List<String> segments) {
        return segments.stream()
                .takeWhile(segment -> !isNumber(segment))
                .anyMatch(segment -> TOWERS.contains(segment)
                        || begins(segment, TOWER_BEGINS)
                        || TOWER_ENDS.stream().anyMatch(segment::endsWith));
    }

    static boolean isExtraPrediction(List<String> segments) {
        return segments.stream().anyMatch(segment -> begins(segment, EXTRA_PREDICTION_BEGINS));
    }

    /** Whether it is one, or a part of one outside of the numbered layers. */
    static boolean isOutputHead(List<String> segments) {
        return isHead(segments.getLast())
                || segments.stream().takeWhile(segment -> !isNumber(segment)).anyMatch(KeptNames::isHead)
                || segments.contains("classification_head");
    }

    private static boolean isHead(String segment) {
        return OUTPUT_HEADS.contains(segment) || segment.endsWith(OUTPUT_HEAD_END);
    }

    static boolean isEmbedding(String last) {
        return EMBEDDINGS.contains(last)
                || begins(last, EMBEDDING_BEGINS)
                || ONE_EMBEDDING_OF_SEVERAL.matcher(last).matches()
                || Stream.concat(EMBEDDING_ENDS.stream(), Stream.of(POSITION_BIAS_END))
                        .anyMatch(last::endsWith);
    }

    static boolean isShared(List<String> segments) {
        return segments.stream().anyMatch(SHARED::contains);
    }

    static boolean areCoefficients(String last) {
        return COEFFICIENTS.contains(last);
    }

    /** Whether it is a norm, or a part of one. */
    static boolean isNorm(List<String> segments) {
        String last = segments.getLast();
        return last.contains("norm")
                || last.startsWith("ln_")
                || segments.stream()
                        .anyMatch(segment -> segment.endsWith("norm") && !segment.equals(ATTENTION_BETWEEN_NORMS));
    }

    static boolean isRouter(List<String> segments) {
        boolean named = segments.stream()
                .anyMatch(segment ->
                        ROUTERS.contains(segment) || ROUTER_ENDS.stream().anyMatch(segment::endsWith));
        int gate = segments.lastIndexOf(GATE);
        return named || (gate >= 0 && gate >= segments.size() - 2);
    }

    static boolean isIndexer(List<String> segments) {
        return segments.size() > 1
                && segments.get(segments.size() - 2).equals(INDEXER)
                && INDEXER_PARTS.contains(segments.getLast());
    }

    /** Whether the model, or the part of it that is a language model, keeps this weight as {@code [inFeatures, outFeatures]}. */
    static boolean isTransposed(String last, JsonNode config) {
        return CONV1D_MODULES.contains(last)
                && Stream.concat(Stream.of(config), config.valueStream())
                        .anyMatch(part ->
                                CONV1D_MODELS.contains(part.path("model_type").asString("")));
    }

    static boolean isNumber(String segment) {
        return !segment.isEmpty() && segment.chars().allMatch(c -> c >= '0' && c <= '9');
    }

    private static boolean begins(String segment, List<String> begins) {
        return begins.stream().anyMatch(segment::startsWith);
    }
}
