package io.octavo.worker.openai;

import io.octavo.engine.chat.Chat;
import io.octavo.engine.serve.CompletionRequest;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code POST /v1/chat/completions}.
 *
 * @param model null for the only one that is served
 * @param chat what the model's template makes a prompt of
 * @param maxTokens most new tokens of each text, null for as many as fit
 */
public record ChatCall(
        @Nullable String model, Chat chat, @Nullable Integer maxTokens, GenerationOptions options) {

    private static final String NO_TOOLS = "the model cannot call tools here";

    /** @throws OpenAiException that names the first field that cannot be */
    public static ChatCall read(ObjectNode body) {
        Fields fields = Fields.of(body);
        refuseWhatCannotBeDone(fields);
        JsonNode model = fields.get("model");
        Integer maxTokens = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        Integer older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        var options = GenerationOptions.read(fields, topLogprobs(fields));
        return new ChatCall(
                model == null ? null : Fields.text(model, "model"),
                chat(fields),
                maxTokens == null ? older : maxTokens,
                options);
    }

    private static void refuseWhatCannotBeDone(Fields fields) {
        fields.refuse("tools", NO_TOOLS, Set.of());
        fields.refuse("functions", NO_TOOLS, Set.of());
        fields.refuse("tool_choice", NO_TOOLS, Set.of("none", "auto"));
        fields.refuse("function_call", NO_TOOLS, Set.of("none", "auto"));
        fields.refuse("add_special_tokens", "the template puts those that belong there", Set.of());
        fields.refuse("audio", "answers are text", Set.of());
        fields.refuse("prediction", "texts are not predicted", Set.of());
        fields.refuse("web_search_options", "nothing is searched", Set.of());
        fields.refuse("chat_template", "the model's own template is used", Set.of());
        JsonNode modalities = fields.get("modalities");
        if (modalities != null
                && !(modalities.size() == 1 && "text".equals(modalities.path(0).asString("")))) {
            throw new OpenAiException(
                    OpenAiCode.UNSUPPORTED_PARAMETER, "modalities", "modalities: answers are text, [\"text\"]");
        }
    }

    private static @Nullable Integer topLogprobs(Fields fields) {
        Integer top = fields.integer("top_logprobs", 0, CompletionRequest.MOST_LOGPROBS);
        if (fields.flag("logprobs")) {
            return top == null ? 0 : top;
        }
        if (top != null && top > 0) {
            throw Fields.invalid("top_logprobs", "is only allowed with logprobs");
        }
        return null;
    }

    private static Chat chat(Fields fields) {
        var variables = new LinkedHashMap<String, JsonNode>();
        JsonNode own = fields.get("chat_template_kwargs");
        if (own != null) {
            Fields.of(own, "chat_template_kwargs");
            own.forEachEntry(variables::put);
        }
        JsonNode begins = fields.get("add_generation_prompt");
        boolean answer = begins == null || fields.flag("add_generation_prompt");
        JsonNode messages = ChatMessages.read(fields.required("messages"));
        return new Chat(messages, null, null, answer, ZonedDateTime.now(ZoneId.systemDefault()), variables);
    }
}
