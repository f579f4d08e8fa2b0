package io.octavo.engine.module;

import io.octavo.engine.checkpoint.ConfigJson;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * What a module with a weight is, told from its name, its weight's shape and the config alone, so that it works for
 * architectures that the engine cannot run.
 */
public enum ModuleKind {
    /** A matrix {@code [outFeatures, inFeatures]} that inputs are multiplied by. */
    LINEAR("", true),
    OUTPUT_HEAD("output head", true),
    ROUTER("router of a mixture of experts", true),
    VISION("vision or audio tower, or its projector", true),
    EXTRA_PREDICTION("multi-token prediction head", true),
    EMBEDDING("embedding", false),
    NORM("norm", false),
    TRANSPOSED("stores its weight as [inFeatures, outFeatures]", false),
    OTHER("its weight is no matrix", false);

    private static final Set<String> OUTPUT_HEADS = Set.of("lm_head", "embed_out", "score", "classifier");
    private static final Set<String> ROUTERS = Set.of("router", "shared_expert_gate");
    private static final Set<String> TOWERS = Set.of(
            "vision_tower",
            "vision_model",
            "vision_encoder",
            "vision_embed_tokens",
            "visual",
            "multi_modal_projector",
            "mm_projector",
            "audio_tower",
            "audio_encoder");
    private static final Set<String> CONV1D_MODELS = Set.of("gpt2", "openai-gpt", "imagegpt", "decision_transformer");
    private static final Set<String> CONV1D_MODULES = Set.of("c_attn", "c_proj", "c_fc", "q_attn");

    private static final Pattern LAYER_NUMBER = Pattern.compile("[0-9]{1,9}");

    private final String reason;
    private final boolean linear;

    ModuleKind(String reason, boolean linear) {
        this.reason = reason;
        this.linear = linear;
    }

    /** Why a module of this kind is left alone; empty for {@link #LINEAR}. */
    public String reason() {
        return reason;
    }

    /** Whether loaders take the module for a Linear, so that a checkpoint which leaves it alone must say so. */
    public boolean isLinear() {
        return linear;
    }

    /**
     * @param module name without {@code .weight}
     * @param shape of its weight
     */
    public static ModuleKind of(String module, List<Long> shape, ConfigJson config) {
        List<String> segments = List.of(module.toLowerCase(Locale.ROOT).split("\\.", -1));
        String last = segments.getLast();
        if (last.contains("norm") || last.startsWith("ln_")) {
            return NORM;
        }
        if (shape.size() != 2) {
            return OTHER;
        }
        if (OUTPUT_HEADS.contains(last)) {
            return OUTPUT_HEAD;
        }
        if (last.contains("embed") || last.equals("wte") || last.equals("wpe") || last.endsWith("attention_bias")) {
            return EMBEDDING;
        }
        if (last.equals("gate") || !Collections.disjoint(segments, ROUTERS)) {
            return ROUTER;
        }
        if (!Collections.disjoint(segments, TOWERS)) {
            return VISION;
        }
        if (isExtraPrediction(segments, config.tree())) {
            return EXTRA_PREDICTION;
        }
        boolean conv1d = CONV1D_MODULES.contains(last)
                && CONV1D_MODELS.contains(config.tree().path("model_type").asString(""));
        return conv1d ? TRANSPOSED : LINEAR;
    }

    /** Named so, or a decoder layer past those that the config counts, as DeepSeek stores it. */
    private static boolean isExtraPrediction(List<String> segments, JsonNode config) {
        JsonNode count = config.path("num_hidden_layers");
        int layers = segments.indexOf("layers");
        boolean pastTheEnd = count.isInt()
                && segments.getFirst().equals("model")
                && layers == 1
                && segments.size() > 2
                && LAYER_NUMBER.matcher(segments.get(2)).matches()
                && Integer.parseInt(segments.get(2)) >= count.intValue();
        return pastTheEnd || segments.contains("mtp");
    }
}
