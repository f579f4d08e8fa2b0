package io.octavo.worker.openai;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import io.octavo.engine.serve.Usage;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How texts become an answer, whole or part by part: as completions have it, or as chats do. Not thread-safe. */
public sealed interface AnswerShape permits CompletionShape, ChatShape {

    /** All texts, in the order of their numbers. */
    Object whole(List<AnswerText> texts, Usage usage);

    /** Before the first text of a choice. */
    Optional<Object> opening(int choice);

    /** @param tokens without log probabilities if nobody asked for them */
    Object part(int choice, String text, List<TokenInfo> tokens);

    Object ending(int choice, FinishReason reason);

    /** The last part of a stream that tells it. */
    Object counted(Usage usage);

    static String word(FinishReason reason) {
        return reason.name().toLowerCase(Locale.ROOT);
    }

    static @Nullable String nullableWord(@Nullable FinishReason reason) {
        return reason == null ? null : word(reason);
    }
}
