package io.octavo.worker.openai;

import java.util.Set;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Messages as templates take them: each with one text as its content. */
final class ChatMessages {

    private static final int MOST_MESSAGES = 4096;

    private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant");

    private ChatMessages() {}

    static ArrayNode read(JsonNode messages) {
        if (!messages.isArray()) {
            throw Fields.wrongType("messages", "an array", messages);
        }
        if (messages.isEmpty() || messages.size() > MOST_MESSAGES) {
            throw Fields.invalid("messages", "has " + messages.size() + " messages; allowed: 1 to " + MOST_MESSAGES);
        }
        ArrayNode read = JsonNodeFactory.instance.arrayNode();
        for (JsonNode message : messages) {
            read.add(message("messages[" + read.size() + "]", message));
        }
        return read;
    }

    /** What else a message holds is the template's to look at. */
    private static ObjectNode message(String path, JsonNode node) {
        Fields fields = Fields.of(node, path);
        String role = fields.requiredText("role");
        if (!ROLES.contains(role)) {
            throw new OpenAiException(
                    role.equals("tool") || role.equals("function")
                            ? OpenAiCode.UNSUPPORTED_PARAMETER
                            : OpenAiCode.INVALID_VALUE,
                    fields.path("role"),
                    fields.path("role") + " must be system, developer, user or assistant");
        }
        fields.refuse("tool_calls", "the model cannot call tools here", Set.of());
        fields.refuse("function_call", "the model cannot call tools here", Set.of());
        fields.refuse("audio", "messages are text", Set.of());
        ObjectNode message = ((ObjectNode) node).deepCopy();
        message.forEachEntry((name, value) -> {
            if (value.isString()) {
                Fields.text(value, fields.path(name));
            }
        });
        return message.put("content", content(fields.path("content"), fields.required("content")));
    }

    /** Parts become lines. */
    private static String content(String path, JsonNode content) {
        if (!content.isArray()) {
            return Fields.text(content, path);
        }
        var text = new StringJoiner("\n");
        for (int i = 0; i < content.size(); i++) {
            Fields part = Fields.of(content.get(i), path + "[" + i + "]");
            String type = part.requiredText("type");
            if (!type.equals("text")) {
                throw new OpenAiException(
                        OpenAiCode.UNSUPPORTED_PARAMETER, part.path("type"), part.path("type") + " can be text alone");
            }
            text.add(part.requiredText("text"));
        }
        return text.toString();
    }
}
