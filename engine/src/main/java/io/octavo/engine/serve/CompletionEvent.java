package io.octavo.engine.serve;

import io.octavo.engine.failure.ErrorCode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens to a request, in this order: a {@link Prompt} if asked for, pieces and ends of choices, one last event. */
public sealed interface CompletionEvent {

    /** Whether none follows. */
    default boolean last() {
        return false;
    }

    /** The request's prompt, of a request that wants it back. */
    record Prompt(String text, List<TokenInfo> tokens) implements CompletionEvent {
        public Prompt {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * A choice has grown.
     *
     * @param choice from 0
     * @param text that is certain now: whole characters, and nothing that may yet become a stop string. So it may lag behind
     *     the tokens, and be empty
     * @param tokens new ones; none where text follows that was held back
     */
    record Piece(int choice, String text, List<TokenInfo> tokens) implements CompletionEvent {
        public Piece {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * A choice has ended.
     *
     * @param stop the stop string that ended it
     */
    record Finish(int choice, FinishReason reason, @Nullable String stop) implements CompletionEvent {}

    /** All choices have ended, or somebody has cancelled the request. */
    record End(Usage usage) implements CompletionEvent {
        @Override
        public boolean last() {
            return true;
        }
    }

    /** The request cannot be answered. */
    record Failure(ErrorCode code, String message, Usage usage) implements CompletionEvent {
        @Override
        public boolean last() {
            return true;
        }
    }
}
