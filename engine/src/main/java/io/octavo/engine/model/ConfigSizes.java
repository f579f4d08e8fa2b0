package io.octavo.engine.model;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * Sizes in config.json that no loader can build a model of. A config whose forward pass is not known may still be one that
 * others run; one whose sizes are no sizes is not.
 */
public final class ConfigSizes {

    private static final String TEXT = "text_config";
    private static final String LAYERS = "num_hidden_layers";
    private static final String LAYER_TYPES = "layer_types";
    private static final List<String> SIZES =
            List.of("hidden_size", "intermediate_size", "num_attention_heads", "vocab_size");

    private ConfigSizes() {}

    /**
     * Absent ones are the loader's own.
     *
     * @param config the root of config.json
     * @throws QuantizationException {@code CONFIG_INVALID}
     */
    public static void require(JsonNode config) {
        var root = new ConfigReader(config, "");
        ConfigReader reader = config.path(TEXT).isObject() ? root.object(TEXT) : root;
        int layers = reader.dimension(LAYERS, 0);
        if (!Architectures.isKnown(config)) {
            // What else others mean by these, such as a list by layer, is theirs to say.
            return;
        }
        SIZES.forEach(size -> reader.dimension(size, 0));
        List<String> types = reader.texts(LAYER_TYPES);
        if (reader.has(LAYERS) && reader.has(LAYER_TYPES) && types.size() != layers) {
            throw new QuantizationException(
                    ErrorCode.CONFIG_INVALID,
                    "config.json: " + LAYER_TYPES + " has " + types.size() + " entries, " + LAYERS + " is " + layers);
        }
    }
}
