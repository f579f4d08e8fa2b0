package io.octavo.worker.serve;

import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.serve.CompletionRequest;
import io.octavo.engine.serve.ServedModel;
import io.octavo.worker.openai.AnswerHead;
import io.octavo.worker.openai.AnswerShape;
import io.octavo.worker.openai.ChatCall;
import io.octavo.worker.openai.ChatShape;
import io.octavo.worker.openai.CompletionCall;
import io.octavo.worker.openai.CompletionShape;
import io.octavo.worker.openai.GenerationOptions;
import io.octavo.worker.openai.Models;
import io.octavo.worker.openai.Models.Model;
import io.octavo.worker.openai.OpenAiCode;
import io.octavo.worker.openai.OpenAiException;
import io.octavo.worker.openai.Prompt;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The calls of OpenAI's interface on one model. */
final class ServedCalls {

    private final ServedModel model;
    private final Model card;
    private final Set<String> otherNames;
    private final ServeMeters meters;

    /** @param model borrowed */
    ServedCalls(ServedModel model, ServeSettings settings, ServeMeters meters) {
        this.model = model;
        this.otherNames = settings.otherNames();
        this.card = Model.of(
                settings.name(),
                Instant.now().getEpochSecond(),
                model.limits().maxModelLength(),
                model.limits().fullLength());
        this.meters = meters;
    }

    Models models() {
        return Models.of(card);
    }

    Model model(String id) {
        requireServed(id, null);
        return card;
    }

    boolean isAlive() {
        return model.health().alive();
    }

    /** @throws IOException if the client is gone; its requests are cancelled then */
    void complete(HttpCall call, CompletionCall asked) throws IOException, InterruptedException {
        requireServed(asked.model(), "model");
        GenerationOptions options = asked.options();
        requireTokens(options);
        var requests = new ArrayList<CompletionRequest>();
        for (Prompt prompt : asked.prompts()) {
            List<Integer> tokens = tokens(prompt);
            requireRoom(tokens, asked.maxTokens(), "prompt");
            requests.add(request(call, tokens, asked.maxTokens(), options, asked.echo()));
        }
        answer(call, new CompletionShape(head(call, "cmpl-"), options.topLogprobs() != null), requests, options);
    }

    /** @throws IOException if the client is gone; its requests are cancelled then */
    void chat(HttpCall call, ChatCall asked) throws IOException, InterruptedException {
        requireServed(asked.model(), "model");
        GenerationOptions options = asked.options();
        requireTokens(options);
        List<Integer> tokens = model.encode(wellFormed(render(asked)));
        int maxTokens = asked.maxTokens() == null ? Integer.MAX_VALUE : asked.maxTokens();
        requireRoom(tokens, maxTokens, "messages");
        var request = request(call, tokens, maxTokens, options, false);
        answer(call, new ChatShape(head(call, "chatcmpl-"), options.topLogprobs() != null), List.of(request), options);
    }

    private String render(ChatCall asked) {
        try {
            return model.render(asked.chat());
        } catch (QuantizationException e) {
            throw Failures.translate(e, "messages");
        }
    }

    /** Templates cut texts where they like. */
    private static String wellFormed(String text) {
        int[] characters = text.codePoints()
                .map(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE ? '\uFFFD' : c)
                .toArray();
        return new String(characters, 0, characters.length);
    }

    private void requireServed(@Nullable String id, @Nullable String param) {
        if (id != null && !id.equals(card.id()) && !otherNames.contains(id)) {
            String message = "the model " + id + " is not served here; " + card.id() + " is";
            throw new OpenAiException(OpenAiCode.MODEL_NOT_FOUND, param, message);
        }
    }

    private List<Integer> tokens(Prompt prompt) {
        return switch (prompt) {
            case Prompt.Text text -> model.encodePrompt(text.text());
            case Prompt.Tokens tokens -> {
                tokens.ids().forEach(id -> requireToken(id, "prompt"));
                yield tokens.ids();
            }
        };
    }

    private void requireTokens(GenerationOptions options) {
        options.sampling().logitBias().keySet().forEach(id -> requireToken(id, "logit_bias"));
    }

    private void requireToken(int id, String param) {
        int size = model.limits().vocabularySize();
        if (id >= size) {
            throw new OpenAiException(
                    OpenAiCode.INVALID_VALUE, param, param + " holds the token " + id + "; the model has " + size);
        }
    }

    /** As the scheduler requires it, but said once and by the field's name. */
    private void requireRoom(List<Integer> tokens, int maxTokens, String param) {
        int most = card.maxModelLen();
        if (tokens.isEmpty()) {
            throw new OpenAiException(OpenAiCode.INVALID_VALUE, param, param + " is empty");
        }
        if (tokens.size() > most - Math.min(maxTokens, 1)) {
            throw new OpenAiException(
                    OpenAiCode.CONTEXT_LENGTH_EXCEEDED,
                    param,
                    "this model's maximum context length is " + most + " tokens"
                            + (card.fullModelLen() > most ? ", which is what its cache holds" : "") + "; " + param
                            + " has " + tokens.size()
                            + (tokens.size() == most ? ", which leaves no room for one more" : ""));
        }
    }

    private static CompletionRequest request(
            HttpCall call, List<Integer> tokens, int maxTokens, GenerationOptions options, boolean echo) {
        return new CompletionRequest(
                call.client(),
                tokens,
                options.choices(),
                maxTokens,
                options.sampling(),
                options.stop(),
                options.topLogprobs(),
                echo);
    }

    private AnswerHead head(HttpCall call, String prefix) {
        return new AnswerHead(prefix + call.id(), Instant.now().getEpochSecond(), card.id());
    }

    private void answer(HttpCall call, AnswerShape shape, List<CompletionRequest> requests, GenerationOptions options)
            throws IOException, InterruptedException {
        try (Submissions submissions = Submissions.submit(model, requests)) {
            AnswerReceiver receiver = options.stream()
                    ? new StreamedAnswer(call, shape, options.topLogprobs() != null, options.includeUsage())
                    : new WholeAnswer(call, shape, requests.size() * options.choices());
            new AnswerLoop(call, submissions, options.choices(), receiver, meters).run();
        }
    }
}
