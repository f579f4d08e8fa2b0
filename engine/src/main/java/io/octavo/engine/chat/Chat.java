package io.octavo.engine.chat;

import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a template is given.
 *
 * @param messages an array of objects, at least one, as OpenAI's interface and datasets have them
 * @param tools an array of JSON schemas; absent, or a JSON null, for none
 * @param documents an array of objects, likewise
 * @param addGenerationPrompt whether the text ends where the assistant is to begin
 * @param now what the template takes for the time
 * @param variables of the template's own, such as {@code enable_thinking}; they hide the model's special tokens
 */
public record Chat(
        JsonNode messages,
        @Nullable JsonNode tools,
        @Nullable JsonNode documents,
        boolean addGenerationPrompt,
        ZonedDateTime now,
        Map<String, JsonNode> variables) {

    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final ZonedDateTime TIME_OF_ROWS = ZonedDateTime.of(2025, 1, 1, 12, 0, 0, 0, ZoneOffset.UTC);

    /** @throws IllegalArgumentException if a part does not have its shape */
    public Chat {
        tools = tools == null || tools.isNull() ? null : tools;
        documents = documents == null || documents.isNull() ? null : documents;
        if (messages.isEmpty() || !areObjects(messages)) {
            throw new IllegalArgumentException("messages must be an array of at least one object");
        }
        if ((tools != null && !areObjects(tools)) || (documents != null && !areObjects(documents))) {
            throw new IllegalArgumentException("tools and documents must be arrays of objects");
        }
        variables = Map.copyOf(variables);
    }

    /** A finished chat of a dataset, at a time that is always the same, so that its text is too. */
    public static Chat ofRow(JsonNode messages, @Nullable JsonNode tools, @Nullable JsonNode documents) {
        return new Chat(messages, tools, documents, false, TIME_OF_ROWS, Map.of());
    }

    /** What a user says, which the assistant is to answer now. */
    public static Chat ofUser(String text) {
        ArrayNode messages = JSON.arrayNode();
        messages.addObject().put("role", "user").put("content", text);
        return new Chat(messages, null, null, true, ZonedDateTime.now(ZoneId.systemDefault()), Map.of());
    }

    private static boolean areObjects(JsonNode node) {
        return node.isArray() && node.valueStream().allMatch(JsonNode::isObject);
    }

    /**
     * All that a template sees beside functions, as render.js decodes it. As in transformers, absent tools and documents are
     * none, not undefined.
     */
    ObjectNode encode(Map<String, JsonNode> specialTokens) {
        var all = new LinkedHashMap<>(specialTokens);
        all.putAll(variables);
        all.put("messages", messages);
        all.put("tools", tools == null ? JSON.nullNode() : tools);
        all.put("documents", documents == null ? JSON.nullNode() : documents);
        all.put("add_generation_prompt", JSON.booleanNode(addGenerationPrompt));
        ObjectNode encoded = JSON.objectNode();
        all.forEach((name, value) -> encoded.set(name, tagged(value)));
        return encoded;
    }

    private static JsonNode tagged(JsonNode value) {
        if (!value.isContainer()) {
            return value;
        }
        ArrayNode tagged = JSON.arrayNode().add(value.isArray() ? "array" : "object");
        value.forEachEntry((name, member) -> tagged.add(name).add(tagged(member)));
        if (value.isArray()) {
            value.forEach(element -> tagged.add(tagged(element)));
        }
        return tagged;
    }
}
