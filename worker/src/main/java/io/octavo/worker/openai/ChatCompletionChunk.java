package io.octavo.worker.openai;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A part of a chat's stream.
 *
 * @param usage null but in the last part
 */
public record ChatCompletionChunk(
        String id,
        String object,
        long created,
        String model,
        List<Choice> choices,
        @Nullable TokenUsage usage) {

    /**
     * @param delta by name, what of the message is new
     * @param finishReason {@code stop} or {@code length}; null while the text goes on
     */
    public record Choice(
            int index,
            Map<String, String> delta,
            @Nullable ChatLogprobs logprobs,
            @Nullable String finishReason) {}
}
