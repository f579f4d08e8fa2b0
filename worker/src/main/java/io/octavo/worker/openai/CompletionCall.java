package io.octavo.worker.openai;

import io.octavo.engine.serve.CompletionRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code POST /v1/completions}.
 *
 * @param model null for the only one that is served
 * @param prompts at least one; choices are numbered by prompt first
 * @param maxTokens most new tokens of each text; 0, with {@code echo} alone, looks at the prompt
 * @param echo whether a text begins with its prompt, and its log probabilities with those of the prompt
 */
public record CompletionCall(
        @Nullable String model, List<Prompt> prompts, int maxTokens, boolean echo, GenerationOptions options) {

    /** OpenAI's default. */
    private static final int DEFAULT_TOKENS = 16;

    /** Of all prompts together. */
    private static final int MOST_TEXTS = 256;

    public CompletionCall {
        prompts = List.copyOf(prompts);
    }

    /** @throws OpenAiException that names the first field that cannot be */
    public static CompletionCall read(ObjectNode body) {
        Fields fields = Fields.of(body);
        fields.refuseOff("add_special_tokens", "BOS is put before a text; tokens are taken as they are");
        fields.refuse("suffix", "text is gone on with, not filled in", Set.of(""));
        JsonNode model = fields.get("model");
        boolean echo = fields.flag("echo");
        int maxTokens = fields.integer("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE, DEFAULT_TOKENS);
        var options = GenerationOptions.read(fields, fields.integer("logprobs", 0, CompletionRequest.MOST_LOGPROBS));
        List<Prompt> prompts = prompts(fields.required("prompt"));
        if (prompts.size() * (long) options.choices() > MOST_TEXTS) {
            throw Fields.invalid(
                    "prompt",
                    "asks for " + prompts.size() + " times " + options.choices() + " texts; at most " + MOST_TEXTS
                            + " are allowed in one call");
        }
        return new CompletionCall(
                model == null ? null : Fields.text(model, "model"), prompts, maxTokens, echo, options);
    }

    private static List<Prompt> prompts(JsonNode prompt) {
        if (prompt.isString()) {
            return List.of(new Prompt.Text(Fields.text(prompt, "prompt")));
        }
        if (!prompt.isArray()) {
            throw Fields.wrongType("prompt", "a string, an array of strings, of tokens or of arrays of tokens", prompt);
        }
        if (prompt.isEmpty()) {
            throw Fields.invalid("prompt", "is empty");
        }
        if (prompt.get(0).isNumber()) {
            return List.of(tokens("prompt", prompt));
        }
        var prompts = new ArrayList<Prompt>();
        boolean texts = prompt.get(0).isString();
        for (JsonNode one : prompt) {
            String path = "prompt[" + prompts.size() + "]";
            prompts.add(texts ? new Prompt.Text(Fields.text(one, path)) : tokens(path, one));
        }
        return prompts;
    }

    private static Prompt tokens(String path, JsonNode array) {
        if (!array.isArray()) {
            throw Fields.wrongType(path, "an array of tokens", array);
        }
        if (array.isEmpty()) {
            throw Fields.invalid(path, "holds no token");
        }
        var ids = new ArrayList<Integer>(array.size());
        for (JsonNode id : array) {
            ids.add((int) Fields.whole(id, path + "[" + ids.size() + "]", 0, Integer.MAX_VALUE));
        }
        return new Prompt.Tokens(ids);
    }
}
