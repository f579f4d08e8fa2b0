package io.octavo.worker.openai;

import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Messages as templates take them: each with one text as its content. */
final class ChatMessages {

    private static final int MOST_MESSAGES = 4096;

    private static final String ASSISTANT = "assistant";
    private static final Set<String> ROLES = Set.of("system", "developer", "user", ASSISTANT, "tool");

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
                    role.equals("function") ? OpenAiCode.UNSUPPORTED_PARAMETER : OpenAiCode.INVALID_VALUE,
                    fields.path("role"),
                    fields.path("role") + " must be system, developer, user, assistant or tool");
        }
        fields.refuse("function_call", "what calls tools is tool_calls", Set.of());
        fields.refuse("audio", "messages are text", Set.of());
        ObjectNode message = ((ObjectNode) node).deepCopy();
        message.forEachEntry((name, value) -> {
            if (value.isString()) {
                Fields.text(value, fields.path(name));
            }
        });
        boolean calls = readCalls(role, fields, message);
        JsonNode content = fields.get("content");
        // What calls tools needs to say nothing; null is what clients send back that were told nothing.
        if (content == null && (calls || (role.equals(ASSISTANT) && node.has("content")))) {
            return calls ? message.putNull("content") : message.put("content", "");
        }
        return message.put("content", content(fields.path("content"), fields.required("content")));
    }

    /**
     * What an assistant has called before; templates take arguments as objects, clients hold them as texts.
     *
     * @return whether it called something
     */
    private static boolean readCalls(String role, Fields fields, ObjectNode message) {
        JsonNode calls = fields.get("tool_calls");
        if (calls == null || (calls.isArray() && calls.isEmpty())) {
            message.remove("tool_calls");
            return false;
        }
        if (!role.equals(ASSISTANT)) {
            throw Fields.invalid(fields.path("tool_calls"), "is only allowed in messages of an assistant");
        }
        if (!calls.isArray()) {
            throw Fields.wrongType(fields.path("tool_calls"), "an array", calls);
        }
        ArrayNode read = message.putArray("tool_calls");
        for (JsonNode call : calls) {
            String path = fields.path("tool_calls") + "[" + read.size() + "]";
            Fields function = Fields.of(Fields.of(call, path).required("function"), path + ".function");
            function.requiredText("name");
            String arguments = function.requiredText("arguments");
            ObjectNode copy = ((ObjectNode) call).deepCopy();
            ((ObjectNode) copy.get("function")).set("arguments", object(path + ".function.arguments", arguments));
            read.add(copy);
        }
        return true;
    }

    private static ObjectNode object(String path, String json) {
        try {
            return OpenAiJson.parse(json.getBytes(StandardCharsets.UTF_8));
        } catch (OpenAiException e) {
            throw Fields.invalid(path, "is no JSON object in a string");
        }
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
