package io.octavo.cli.client;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the service speaks it. */
public final class WireJson {

    static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final JsonMapper PRETTY =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    private WireJson() {}

    /**
     * @throws tools.jackson.core.JacksonException if the text is not JSON
     */
    public static JsonNode parse(String json) {
        return MAPPER.readTree(json);
    }

    /** A record of the contract, or a tree, as indented text. */
    public static String pretty(Object value) {
        return PRETTY.writeValueAsString(value);
    }
}
