package io.octavo.engine.module;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/**
 * Sizes that config.json gives under the names of many families, of the model and of what it is made of ({@code
 * text_config} and others).
 */
record ModelDimensions(JsonNode config) {

    private static final List<String> VOCABULARY = List.of("vocab_size", "padded_vocab_size", "n_vocab");
    private static final List<String> HIDDEN =
            List.of("hidden_size", "d_model", "n_embd", "dim", "model_dim", "n_embed");
    private static final List<String> EXPERTS = List.of(
            "num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_moe_experts", "n_experts");
    private static final String CONFIG_END = "_config";
    private static final int MOST_DIGITS = 9;

    /** What a matrix of an unknown name is. */
    ModuleRole role(List<Long> shape) {
        if (!sizes(HIDDEN).contains(shape.getLast())) {
            return ModuleRole.UNKNOWN;
        }
        if (sizes(VOCABULARY).contains(shape.getFirst())) {
            return ModuleRole.OUTPUT_HEAD;
        }
        return sizes(EXPERTS).contains(shape.getFirst()) ? ModuleRole.ROUTER : ModuleRole.UNKNOWN;
    }

    boolean hasExperts() {
        return !sizes(EXPERTS).isEmpty();
    }

    private Set<Long> sizes(List<String> members) {
        return configs()
                .flatMap(part -> members.stream().map(part::path))
                .filter(size -> size.isIntegralNumber() && size.canConvertToLong())
                .map(JsonNode::longValue)
                .filter(size -> size > 1)
                .collect(Collectors.toSet());
    }

    private Stream<JsonNode> configs() {
        return Stream.concat(
                Stream.of(config),
                config.propertyStream()
                        .filter(member -> member.getKey().endsWith(CONFIG_END)
                                && member.getValue().isObject())
                        .map(member -> member.getValue()));
    }

    /** Whether a decoder layer is past those that the config counts, as DeepSeek stores its prediction layers. */
    boolean isPastTheLayers(List<String> segments) {
        int layers = segments.indexOf("layers");
        boolean numbered = layers >= 1
                && segments.size() > layers + 2
                && KeptNames.isNumber(segments.get(layers + 1))
                && segments.get(layers + 1).length() <= MOST_DIGITS;
        if (!numbered || !DECODERS.contains(String.join(".", segments.subList(0, layers)))) {
            return false;
        }
        int number = Integer.parseInt(segments.get(layers + 1));
        return Stream.of(config, config.path("text_config"))
                .map(part -> part.path("num_hidden_layers"))
                .filter(JsonNode::isInt)
                .findFirst()
                .map(count -> number >= count.intValue())
                .orElse(false);
    }

    private static final Set<String> DECODERS =
            Set.of("model", "language_model.model", "model.language_model", "model.language_model.model");
}
