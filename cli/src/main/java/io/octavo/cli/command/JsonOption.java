package io.octavo.cli.command;

import io.octavo.cli.client.WireJson;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Values of options that are JSON, or text where that is shorter. */
public final class JsonOption {

    private JsonOption() {}

    /** What is no JSON is text. */
    public static JsonNode jsonOrText(String value) {
        try {
            return WireJson.parse(value);
        } catch (JacksonException e) {
            return JsonNodeFactory.instance.stringNode(value);
        }
    }

    /** An object with a type, of which the name alone will do where there are no settings. */
    public static JsonNode typed(String value) {
        return jsonOrText(value) instanceof ObjectNode settings
                ? settings
                : JsonNodeFactory.instance.objectNode().put("type", value);
    }
}
