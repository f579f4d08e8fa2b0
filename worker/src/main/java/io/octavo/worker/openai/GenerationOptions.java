package io.octavo.worker.openai;

import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.SamplingParameters;
import io.octavo.engine.serve.StopConditions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * How texts are gone on with, as both kinds of calls say it.
 *
 * @param choices texts for each prompt
 * @param topLogprobs most likely tokens to tell with each token's log probability, null to tell none
 * @param stream whether text is sent as it comes
 * @param includeUsage whether a stream ends with counts of tokens
 */
public record GenerationOptions(
        int choices,
        SamplingParameters sampling,
        StopConditions stop,
        @Nullable Integer topLogprobs,
        boolean stream,
        boolean includeUsage) {

    private static final int MOST_STOPS = 4;
    private static final int MOST_STOP_TOKENS = 1024;
    private static final int MOST_BIASES = 1024;
    private static final double MOST_TEMPERATURE = 2;
    private static final double MOST_PENALTY = 2;
    private static final double MOST_REPETITION = 100;
    private static final double MOST_BIAS = 100;

    /** Of other servers, and would change the answer. */
    private static final List<String> NOT_DONE = List.of(
            "guided_json",
            "guided_regex",
            "guided_choice",
            "guided_grammar",
            "structured_outputs",
            "bad_words",
            "min_tokens",
            "use_beam_search",
            "prompt_logprobs",
            "allowed_token_ids",
            "truncate_prompt_tokens",
            "return_token_ids",
            "return_tokens_as_token_ids",
            "continue_final_message",
            "logits_processors",
            "documents");

    static GenerationOptions read(Fields fields, @Nullable Integer topLogprobs) {
        NOT_DONE.forEach(name -> fields.refuse(name, "cannot be asked for here", Set.of()));
        fields.refuseOff("skip_special_tokens", "special tokens are no text");
        refuseForms(fields);
        boolean stream = fields.flag("stream");
        int choices = fields.integer("n", 1, CompletionRequest.MOST_CHOICES, 1);
        refuseUnlikeBestOf(fields, choices);
        return new GenerationOptions(
                choices, sampling(fields), stop(fields), topLogprobs, stream, includeUsage(fields, stream));
    }

    private static void refuseUnlikeBestOf(Fields fields, int choices) {
        if (fields.integer("best_of", 1, CompletionRequest.MOST_CHOICES, choices) != choices) {
            throw new OpenAiException(
                    OpenAiCode.UNSUPPORTED_PARAMETER,
                    "best_of",
                    "best_of: texts are not chosen among more; it can be what n is alone, " + choices);
        }
    }

    private static void refuseForms(Fields fields) {
        JsonNode format = fields.get("response_format");
        if (format != null
                && !Fields.of(format, "response_format").requiredText("type").equals("text")) {
            throw new OpenAiException(
                    OpenAiCode.UNSUPPORTED_PARAMETER,
                    "response_format",
                    "response_format: answers are not held to a form; its type can be text alone");
        }
    }

    /** Defaults are OpenAI's. Of these, top_k, min_p and repetition_penalty are other servers'; those take -1 for all. */
    private static SamplingParameters sampling(Fields fields) {
        JsonNode seed = fields.get("seed");
        return new SamplingParameters(
                fields.number("temperature", 0, MOST_TEMPERATURE, 1),
                Math.max(0, fields.integer("top_k", -1, Integer.MAX_VALUE, 0)),
                aboveZero(fields, "top_p", 1),
                fields.number("min_p", 0, 1, 0),
                aboveZero(fields, "repetition_penalty", MOST_REPETITION),
                fields.number("presence_penalty", -MOST_PENALTY, MOST_PENALTY, 0),
                fields.number("frequency_penalty", -MOST_PENALTY, MOST_PENALTY, 0),
                bias(fields.get("logit_bias")),
                seed == null ? null : Fields.whole(seed, "seed", Long.MIN_VALUE, Long.MAX_VALUE));
    }

    private static float aboveZero(Fields fields, String name, double most) {
        float value = fields.number(name, 0, most, 1);
        if (value == 0) {
            throw Fields.invalid(name, "is 0; allowed: above 0, up to " + (int) most);
        }
        return value;
    }

    private static Map<Integer, Float> bias(@Nullable JsonNode node) {
        var biases = new LinkedHashMap<Integer, Float>();
        if (node == null) {
            return biases;
        }
        Fields fields = Fields.of(node, "logit_bias");
        if (node.size() > MOST_BIASES) {
            throw Fields.invalid(
                    "logit_bias", "has " + node.size() + " tokens; at most " + MOST_BIASES + " are allowed");
        }
        for (String name : node.propertyNames()) {
            biases.put(token(name), fields.number(name, -MOST_BIAS, MOST_BIAS, 0));
        }
        return biases;
    }

    private static int token(String name) {
        try {
            int token = Integer.parseInt(name);
            if (token >= 0) {
                return token;
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw Fields.invalid("logit_bias", "has a name that is no token id");
    }

    private static StopConditions stop(Fields fields) {
        return new StopConditions(
                strings(fields.get("stop")),
                tokens(fields.get("stop_token_ids")),
                fields.flag("ignore_eos"),
                fields.flag("include_stop_str_in_output"));
    }

    private static List<String> strings(@Nullable JsonNode stop) {
        if (stop == null) {
            return List.of();
        }
        if (!stop.isArray()) {
            return List.of(string("stop", stop));
        }
        if (stop.size() > MOST_STOPS) {
            throw Fields.invalid("stop", "has " + stop.size() + " texts; at most " + MOST_STOPS + " are allowed");
        }
        var strings = new ArrayList<String>();
        for (JsonNode text : stop) {
            strings.add(string("stop[" + strings.size() + "]", text));
        }
        return strings;
    }

    private static String string(String path, JsonNode node) {
        String text = Fields.text(node, path);
        if (text.isEmpty() || text.length() > StopConditions.MOST_CHARACTERS) {
            throw Fields.invalid(
                    path, "has " + text.length() + " characters; allowed: 1 to " + StopConditions.MOST_CHARACTERS);
        }
        return text;
    }

    /** Not OpenAI's. */
    private static Set<Integer> tokens(@Nullable JsonNode node) {
        var tokens = new LinkedHashSet<Integer>();
        if (node != null) {
            if (!node.isArray() || node.size() > MOST_STOP_TOKENS) {
                throw Fields.wrongType("stop_token_ids", "an array of at most " + MOST_STOP_TOKENS + " tokens", node);
            }
            node.forEach(id -> tokens.add((int) Fields.whole(id, "stop_token_ids", 0, Integer.MAX_VALUE)));
        }
        return tokens;
    }

    private static boolean includeUsage(Fields fields, boolean stream) {
        JsonNode options = fields.get("stream_options");
        if (options == null) {
            return false;
        }
        if (!stream) {
            throw Fields.invalid("stream_options", "is only allowed with stream");
        }
        return Fields.of(options, "stream_options").flag("include_usage");
    }
}
