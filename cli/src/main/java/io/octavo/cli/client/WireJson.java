package io.octavo.cli.client;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the service speaks it. */
public final class WireJson {

    /** A service of before says less. */
    static final JsonMapper MAPPER = JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .build();

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
