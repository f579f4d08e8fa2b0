package io.octavo.worker.openai;

import io.octavo.engine.serve.FinishReason;
import io.octavo.engine.serve.TokenInfo;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A text as it grows, to be answered as a whole. Not thread-safe. */
public final class AnswerText {

    private final StringBuilder text = new StringBuilder();
    private final List<TokenInfo> tokens = new ArrayList<>();
    private @Nullable FinishReason reason;

    public void grow(String more, List<TokenInfo> moreTokens) {
        text.append(more);
        tokens.addAll(moreTokens);
    }

    public void end(FinishReason why) {
        reason = why;
    }

    String text() {
        return text.toString();
    }

    List<TokenInfo> tokens() {
        return tokens;
    }

    /** Null of a text that was only looked at. */
    @Nullable FinishReason reason() {
        return reason;
    }
}
