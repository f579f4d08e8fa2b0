package io.octavo.engine.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A token of a prompt or of a text.
 *
 * @param text of the token alone, special tokens written out; with U+FFFD where it holds a part of a character
 * @param special whether texts leave it out, as they do with BOS
 * @param logprob natural logarithm of the probability by the model's own logits, before anything was done to them; null if
 *     nobody asked, and of a prompt's first token
 * @param top the most likely tokens in this place, the most likely first; empty if nobody asked
 * @param bytes of the token where its text has U+FFFD; null where the text tells them, or nobody knows them
 */
public record TokenInfo(
        int id,
        String text,
        boolean special,
        @Nullable Float logprob,
        List<Alternative> top,
        @Nullable List<Integer> bytes) {

    /** @param bytes as of the token itself */
    public record Alternative(
            int id, String text, float logprob, @Nullable List<Integer> bytes) {

        public Alternative(int id, String text, float logprob) {
            this(id, text, logprob, null);
        }
    }

    public TokenInfo {
        top = List.copyOf(top);
    }

    /** Whose text tells its bytes. */
    public TokenInfo(int id, String text, boolean special, @Nullable Float logprob, List<Alternative> top) {
        this(id, text, special, logprob, top, null);
    }
}
