package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A config.json in one spelling, with nothing left out: every key of the {@linkplain ConfigDefaults config class},
 * {@code layer_types} for every layer, and {@code rope_parameters} (by layer type where layers differ) in place of
 * {@code rope_theta}, {@code rope_scaling}, {@code rope_local_base_freq} and {@code partial_rotary_factor}. As transformers
 * does, and so what other places spell is not read.
 */
final class CompleteConfig {

    static final String SLIDING = "sliding_attention";
    static final String FULL = "full_attention";

    /** Ten times the largest known. */
    private static final int MOST_LAYERS = 2048;

    /** Sizes, whose defaults are those of some model: a config that leaves them out is none. */
    private static final List<String> SIZES =
            List.of("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads");

    /** Keys that null switches off, or leaves to be derived; elsewhere it stands for the default. */
    private static final Set<String> NULLABLE = Set.of(
            "attn_logit_softcapping",
            "bos_token_id",
            "eos_token_id",
            "final_logit_softcapping",
            "head_dim",
            "num_key_value_heads",
            "sliding_window");

    /**
     * Keys that change the forward pass of other families or of forks, and the values that change nothing. No known family
     * runs with others: reading past them would compute another model.
     */
    private static final Map<String, Set<JsonNode>> NEUTRAL = Map.ofEntries(
            Map.entry("attention_chunk_size", Set.of()),
            Map.entry("attention_multiplier", Set.of()),
            Map.entry("attn_temperature_tuning", values(false, 0)),
            Map.entry("clip_qkv", Set.of()),
            Map.entry("embedding_multiplier", values(1, 1.0)),
            Map.entry("is_causal", values(true)),
            Map.entry("logit_scale", values(1, 1.0)),
            Map.entry("logits_scaling", values(1, 1.0)),
            Map.entry("no_rope_layers", values(List.of())),
            Map.entry("qk_norm", values(false)),
            Map.entry("residual_multiplier", values(1, 1.0)),
            Map.entry("rope_interleave", values(false)),
            Map.entry("rope_interleaved", values(false)),
            Map.entry("scale_depth", Set.of()),
            Map.entry("scale_emb", values(1, 1.0)),
            Map.entry("use_bidirectional_attention", values(false)),
            Map.entry("use_qk_norm", values(false)));

    private final ObjectNode source;
    private final ConfigReader reader;
    private final ConfigDefaults.Family family;
    private final ObjectNode result = JsonMapper.shared().createObjectNode();

    private CompleteConfig(ObjectNode source, ConfigDefaults.Family family) {
        this.source = source;
        this.reader = new ConfigReader(source, "");
        this.family = family;
    }

    /**
     * @param architecture one that is known
     * @throws QuantizationException {@code config-invalid}, or {@code architecture-unsupported} for a key that no family
     *     here runs with
     */
    static ConfigReader read(String architecture, ObjectNode config) {
        return new ConfigReader(new CompleteConfig(config, ConfigDefaults.of(architecture)).complete(), "");
    }

    private ObjectNode complete() {
        NEUTRAL.forEach((key, neutral) -> {
            if (reader.has(key) && !family.values().has(key) && !neutral.contains(source.get(key))) {
                throw unsupported(key + " " + source.get(key));
            }
        });
        family.values().forEachEntry((key, value) -> {
            JsonNode given = source.get(spelled(key));
            result.set(key, given == null || (given.isNull() && !NULLABLE.contains(key)) ? value : given);
        });
        result.set("architectures", source.path("architectures"));
        SIZES.forEach(key -> result.set(key, source.path(key)));
        turnedLayers();
        windows();
        ropes();
        return result;
    }

    /** Experts are counted under either name. */
    private String spelled(String key) {
        return key.equals("num_local_experts") && !reader.has(key) ? "num_experts" : key;
    }

    /** 1 for each layer that turns queries and keys, 0 for those without position embedding. */
    private void turnedLayers() {
        ConfigReader known = new ConfigReader(result, "");
        if (known.has("no_rope_layer_interval") && !known.has("no_rope_layers")) {
            ArrayNode turned = result.putArray("no_rope_layers");
            int interval = known.dimension("no_rope_layer_interval");
            int count = known.whole("num_hidden_layers", 1, MOST_LAYERS);
            for (int layer = 0; layer < count; layer++) {
                turned.add((layer + 1) % interval == 0 ? 0 : 1);
            }
        }
    }

    private void windows() {
        ConfigReader known = new ConfigReader(result, "");
        boolean used = switch (family.windows()) {
            case NONE -> false;
            case EVERY_LAYER, EVERY_LAYER_IF_NOT_LISTED, EVERY_OTHER, BY_PATTERN -> true;
            case EVERY_LAYER_IF_USED, UPPER_LAYERS_IF_USED -> known.flag("use_sliding_window", false);
            case UNTURNED_LAYERS_IF_USED -> reader.has("layer_types") || known.flag("use_sliding_window", false);
        };
        if (!used) {
            result.putNull("sliding_window");
        }
        boolean listed = family.windows().canBeListed() && reader.has("layer_types");
        result.set("layer_types", listed ? source.get("layer_types") : layerTypes(known));
    }

    private ArrayNode layerTypes(ConfigReader known) {
        ArrayNode types = JsonMapper.shared().createArrayNode();
        int count = known.whole("num_hidden_layers", 1, MOST_LAYERS);
        boolean any = known.has("sliding_window");
        for (int layer = 0; layer < count; layer++) {
            boolean slides = switch (family.windows()) {
                case NONE -> false;
                case EVERY_LAYER, EVERY_LAYER_IF_NOT_LISTED, EVERY_LAYER_IF_USED -> true;
                case UPPER_LAYERS_IF_USED -> layer >= known.whole("max_window_layers", 0, Integer.MAX_VALUE);
                case UNTURNED_LAYERS_IF_USED ->
                    result.path("no_rope_layers").path(layer).asInt(1) == 0;
                case EVERY_OTHER -> layer % 2 == 0;
                case BY_PATTERN -> (layer + 1) % known.dimension("sliding_window_pattern") != 0;
            };
            types.add(any && slides ? SLIDING : FULL);
        }
        return types;
    }

    private void ropes() {
        ObjectNode parameters = parameters(reader, "rope_parameters");
        ObjectNode scaling = parameters(reader, "rope_scaling");
        if (family.localTheta() == 0) {
            ObjectNode counts = scaling.isEmpty() ? parameters : scaling;
            if (counts.has(FULL) || counts.has(SLIDING)) {
                throw unsupported("rope_parameters by layer type");
            }
            result.set("rope_parameters", complete(counts, "rope_theta", family.theta()));
        } else {
            ConfigReader byType = new ConfigReader(parameters, "rope_parameters.");
            ObjectNode full = parameters(byType, FULL);
            if (!byType.has(FULL)) {
                // The class writes this before it adds rope_scaling, so that the older spelling "type" changes nothing.
                full.put("rope_type", "default");
            }
            full.setAll(scaling);
            ObjectNode sliding = parameters(byType, SLIDING);
            ObjectNode both = result.putObject("rope_parameters");
            both.set(FULL, complete(full, "rope_theta", family.theta()));
            both.set(SLIDING, complete(sliding, "rope_local_base_freq", family.localTheta()));
        }
    }

    /** A copy; empty where there is none. */
    private static ObjectNode parameters(ConfigReader config, String key) {
        return config.has(key) ? config.object(key).copy() : JsonMapper.shared().createObjectNode();
    }

    private ObjectNode complete(ObjectNode parameters, String thetaKey, double theta) {
        if (!parameters.hasNonNull("rope_theta")) {
            parameters.put("rope_theta", reader.positive(thetaKey, theta));
        }
        if (!parameters.hasNonNull("partial_rotary_factor")) {
            parameters.put("partial_rotary_factor", reader.positive("partial_rotary_factor", 1));
        }
        if (!parameters.hasNonNull("original_max_position_embeddings")) {
            parameters.set("original_max_position_embeddings", result.get("max_position_embeddings"));
        }
        double share = new ConfigReader(parameters, "rope_parameters.").positive("partial_rotary_factor");
        if (share != 1 && !family.partialRotation()) {
            throw unsupported("partial_rotary_factor " + share);
        }
        return parameters;
    }

    private static Set<JsonNode> values(Object... values) {
        return Set.copyOf(List.of(values).stream()
                .map(value -> JsonMapper.shared().<JsonNode>valueToTree(value))
                .toList());
    }

    private static QuantizationException unsupported(String what) {
        return new QuantizationException(
                ErrorCode.ARCHITECTURE_UNSUPPORTED,
                "config.json: " + what + " changes the forward pass in a way that is not supported for running the"
                        + " model");
    }
}
