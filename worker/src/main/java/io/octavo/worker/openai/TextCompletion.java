package io.octavo.worker.openai;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The answer of {@code POST /v1/completions}, and each part of its stream.
 *
 * @param usage null in a stream but for its last part
 */
public record TextCompletion(
        String id,
        String object,
        long created,
        String model,
        List<Choice> choices,
        @Nullable TokenUsage usage) {

    /** @param finishReason {@code stop} or {@code length}; null while the text goes on */
    public record Choice(
            int index,
            String text,
            @Nullable Logprobs logprobs,
            @Nullable String finishReason) {}

    /**
     * Lists as long as there are tokens.
     *
     * @param tokenLogprobs natural logarithms; null of a prompt's first token
     * @param topLogprobs by text, the most likely tokens and the token itself; null where nothing is told
     * @param textOffset where each token begins, by the lengths of those before it; special ones, which the text leaves out, have
     *     none
     */
    public record Logprobs(
            List<String> tokens,
            List<@Nullable Float> tokenLogprobs,
            List<@Nullable Map<String, Float>> topLogprobs,
            List<Integer> textOffset) {}

    static TextCompletion of(AnswerHead head, List<Choice> choices, @Nullable TokenUsage usage) {
        return new TextCompletion(head.id(), "text_completion", head.created(), head.model(), choices, usage);
    }
}
