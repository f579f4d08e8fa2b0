package io.octavo.worker.openai;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The answer of {@code POST /v1/chat/completions}. */
public record ChatCompletion(
        String id, String object, long created, String model, List<Choice> choices, TokenUsage usage) {

    /** @param finishReason {@code stop} or {@code length} */
    public record Choice(
            int index,
            Message message,
            @Nullable ChatLogprobs logprobs,
            @Nullable String finishReason) {}

    /** @param refusal always null: whatever the model says is its content */
    public record Message(
            String role, String content, @Nullable String refusal) {}
}
