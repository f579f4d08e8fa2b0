package io.octavo.engine.module;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * A tensor that holds a projection of all experts of a layer, as some families publish them and as transformers 5 keeps
 * them.
 *
 * <p>Most loaders take quantized experts one by one alone. Which families they take so, how their tensors lie, and how a
 * single expert is called there, is told by one table; experts of every other family are left alone.
 *
 * @param experts the module that loaders make of the experts
 * @param parts the Linears of single experts; empty where loaders take none
 * @param alwaysSingle whether transformers takes no tensor of all experts once anything is quantized
 * @param listed what a config lists where the experts are left alone: names that loaders ask for, whether or not tensors
 *     have them
 */
public record FusedExperts(String experts, List<Part> parts, boolean alwaysSingle, List<String> listed) {

    /**
     * One expert's Linear.
     *
     * @param module its name
     * @param firstRow of the expert's output features in the tensor that belongs to it
     * @param inputFirst whether the expert lies there as {@code [inFeatures, outFeatures]}
     */
    public record Part(
            String module, int expert, long firstRow, long outFeatures, long inFeatures, boolean inputFirst) {}

    private enum Family {
        /** {@code [experts, outFeatures, inFeatures]}, gate above up. */
        PROJECTIONS("gate_proj", "up_proj", "down_proj", false),
        MIXTRAL("w1", "w3", "w2", false),
        /** {@code [experts, inFeatures, outFeatures]}, gate before up. */
        LLAMA4("gate_proj", "up_proj", "down_proj", true);

        private final String gate;
        private final String up;
        private final String down;
        private final boolean inputFirst;

        Family(String gate, String up, String down, boolean inputFirst) {
            this.gate = gate;
            this.up = up;
            this.down = down;
            this.inputFirst = inputFirst;
        }
    }

    private static final Map<Family, Set<String>> MODEL_TYPES = Map.of(
            Family.PROJECTIONS,
            Set.of(("afmoe axk1 axk2 cohere2_moe deepseek_ocr2 deepseek_v2 deepseek_v3 deepseek_v32 dots1 ernie4_5_moe"
                            + " exaone_moe flex_olmo glm4_moe glm4_moe_lite glm4v_moe glm5_next glm_moe_dsa"
                            + " hunyuan_v1_moe hy_v3 jamba kimi_k2 kimi_k25 laguna longcat_flash mellum mimo_v2_flash"
                            + " olmoe qwen2_moe qwen3_5_moe qwen3_moe qwen3_next qwen3_omni_moe qwen3_omni_moe_thinker"
                            + " qwen4_exp solar_open")
                    .split(" ")),
            Family.MIXTRAL,
            Set.of(
                    "deepseek_v4",
                    "kimi_linear",
                    "lfm2_moe",
                    "minimax",
                    "minimax_m2",
                    "minimax_m3_vl",
                    "mixtral",
                    "phimoe"),
            Family.LLAMA4,
            Set.of("llama4"));

    private static final Map<String, Family> FAMILIES = MODEL_TYPES.entrySet().stream()
            .flatMap(entry -> entry.getValue().stream().map(type -> Map.entry(type, entry.getKey())))
            .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

    /** Their experts have no gate, or names of their own. */
    private static final Set<String> JOINED_UNDER_OTHER_NAMES =
            Set.of("nemotron_h", "ernie4_5_moe_vl", "ernie4_5_vl_moe");

    private static final int DIMENSIONS = 3;
    private static final int STACKED_ROWS = 2;
    private static final Pattern STACK = Pattern.compile("(.*experts)\\.(gate_up_proj|down_proj)(?:\\.weight)?");
    private static final Pattern ANY = Pattern.compile("(.*experts)\\..+");

    /** Granite's and Step 3's, which lie beside the router. */
    private static final Pattern BESIDE_ROUTER =
            Pattern.compile("(.*\\b(?:block_sparse_)?moe)\\.(?:(?:in|out)put_linear|(?:gate|up|down)_proj)\\.weight");

    /** DBRX's, one below the other in a matrix; vLLM takes the whole block for the experts. */
    private static final Pattern BELOW_EACH_OTHER = Pattern.compile("(.*)\\.experts\\.mlp\\.(?:w1|v1|w2)");

    /** What vLLM asks a config for, of every layer's first expert. */
    private static final List<String> ASKED_FOR = List.of("gate_proj", "up_proj", "down_proj");

    /** vLLM takes plain names that end so for parameters of this family, and renames them; patterns it does not. */
    private static final String RENAMING_FAMILY = "gpt_oss";

    public FusedExperts {
        parts = List.copyOf(parts);
        listed = List.copyOf(listed);
    }

    /**
     * @param tensor its whole name
     * @param config the root of config.json
     * @return empty for tensors that hold something else
     */
    public static Optional<FusedExperts> of(String tensor, List<Long> shape, JsonNode config) {
        String type = type(config);
        if (shape.size() == STACKED_ROWS) {
            return named(BELOW_EACH_OTHER, tensor).map(block -> leftAlone(block, type));
        }
        if (shape.size() != DIMENSIONS) {
            return Optional.empty();
        }
        Matcher stack = STACK.matcher(tensor);
        if (!stack.matches()) {
            return named(ANY, tensor)
                    .or(() -> named(BESIDE_ROUTER, tensor).map(block -> block + ".experts"))
                    .map(experts -> leftAlone(experts, type));
        }
        Family family = family(config).orElse(null);
        String experts = stack.group(1);
        if (family == null) {
            return Optional.of(leftAlone(experts, type));
        }
        boolean down = stack.group(2).equals("down_proj");
        long outFeatures = shape.get(family.inputFirst ? 2 : 1);
        long inFeatures = shape.get(family.inputFirst ? 1 : 2);
        long hidden = text(config).path("hidden_size").asLong(0);
        boolean fits = down ? outFeatures == hidden : inFeatures == hidden && outFeatures % 2 == 0;
        if (!fits) {
            return Optional.of(leftAlone(experts, type));
        }
        List<String> names = down ? List.of(family.down) : List.of(family.gate, family.up);
        long rows = outFeatures / names.size();
        var parts = new ArrayList<Part>();
        for (int expert = 0; expert < shape.getFirst(); expert++) {
            for (int part = 0; part < names.size(); part++) {
                parts.add(new Part(
                        experts + "." + expert + "." + names.get(part),
                        expert,
                        part * rows,
                        rows,
                        inFeatures,
                        family.inputFirst));
            }
        }
        return Optional.of(new FusedExperts(experts, parts, family == Family.LLAMA4, listed(experts, type)));
    }

    /** Whether transformers keeps the experts of such a model in one tensor, whatever a checkpoint does. */
    public static boolean joinedByTransformers(JsonNode config) {
        return family(config).filter(family -> family != Family.LLAMA4).isPresent()
                || types(config).anyMatch(JOINED_UNDER_OTHER_NAMES::contains);
    }

    /** Whether a config counts experts. */
    public static boolean areExpected(JsonNode config) {
        return new ModelDimensions(config).hasExperts();
    }

    private static Optional<String> named(Pattern pattern, String tensor) {
        Matcher found = pattern.matcher(tensor);
        return found.matches() ? Optional.of(found.group(1)) : Optional.empty();
    }

    private static Optional<Family> family(JsonNode config) {
        return types(config)
                .flatMap(type -> Stream.ofNullable(FAMILIES.get(type)))
                .findFirst();
    }

    /** A wrapper calls its decoder after itself, or as that family does which the decoder is of. */
    private static Stream<String> types(JsonNode config) {
        String type = type(config);
        return Stream.of(
                type, type.replaceFirst("_text$", ""), config.path("model_type").asString(""));
    }

    private static JsonNode text(JsonNode config) {
        return config.path("text_config").isObject() ? config.path("text_config") : config;
    }

    private static String type(JsonNode config) {
        return text(config)
                .path("model_type")
                .asString(config.path("model_type").asString(""));
    }

    private static FusedExperts leftAlone(String experts, String type) {
        return new FusedExperts(experts, List.of(), false, listed(experts, type));
    }

    private static List<String> listed(String experts, String type) {
        // Gemma 4's lie in one more module in vLLM.
        String inner = experts.substring(0, experts.lastIndexOf('.') + 1) + "moe.experts";
        Stream<String> names = Stream.of(experts, inner)
                .flatMap(module ->
                        Stream.concat(Stream.of(module), ASKED_FOR.stream().map(name -> module + ".0." + name)));
        String tail = experts.substring(Math.max(experts.indexOf("layers."), 0)).replace(".", "\\.");
        Stream<String> pattern = type.equals(RENAMING_FAMILY)
                ? Stream.of(ModulePattern.REGEX_PREFIX + ".*" + tail + "\\.0\\.down_proj$")
                : Stream.empty();
        return Stream.concat(names, pattern).toList();
    }
}
