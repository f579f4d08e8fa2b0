package io.octavo.worker.openai;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import io.octavo.worker.openai.ChatCompletion.Message;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/chat/completions}. */
public final class ChatShape implements AnswerShape {

    private static final String ASSISTANT = "assistant";

    private final AnswerHead head;
    private final boolean logprobs;

    public ChatShape(AnswerHead head, boolean logprobs) {
        this.head = head;
        this.logprobs = logprobs;
    }

    @Override
    public ChatCompletion whole(List<AnswerText> texts, Usage usage) {
        var choices = new ArrayList<ChatCompletion.Choice>();
        for (AnswerText text : texts) {
            choices.add(new ChatCompletion.Choice(
                    choices.size(),
                    new Message(ASSISTANT, text.text(), null),
                    told(text.tokens()),
                    AnswerShape.nullableWord(text.reason())));
        }
        return new ChatCompletion(
                head.id(), "chat.completion", head.created(), head.model(), choices, TokenUsage.of(usage));
    }

    @Override
    public Optional<Object> opening(int choice) {
        var delta = new LinkedHashMap<String, String>();
        delta.put("role", ASSISTANT);
        delta.put("content", "");
        return Optional.of(chunk(choice, delta, null, null));
    }

    @Override
    public ChatCompletionChunk part(int choice, String text, List<TokenInfo> tokens) {
        return chunk(choice, Map.of("content", text), told(tokens), null);
    }

    @Override
    public ChatCompletionChunk ending(int choice, FinishReason reason) {
        return chunk(choice, Map.of(), null, AnswerShape.word(reason));
    }

    @Override
    public ChatCompletionChunk counted(Usage usage) {
        return chunk(List.of(), TokenUsage.of(usage));
    }

    private @Nullable ChatLogprobs told(List<TokenInfo> tokens) {
        return logprobs ? ChatLogprobs.of(tokens) : null;
    }

    private ChatCompletionChunk chunk(
            int choice, Map<String, String> delta, @Nullable ChatLogprobs told, @Nullable String reason) {
        return chunk(List.of(new ChatCompletionChunk.Choice(choice, delta, told, reason)), null);
    }

    private ChatCompletionChunk chunk(List<ChatCompletionChunk.Choice> choices, @Nullable TokenUsage usage) {
        return new ChatCompletionChunk(
                head.id(), "chat.completion.chunk", head.created(), head.model(), choices, usage);
    }
}
