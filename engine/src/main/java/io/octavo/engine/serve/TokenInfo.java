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
 */
public record TokenInfo(
        int id, String text, boolean special, @Nullable Float logprob, List<Alternative> top) {

    public record Alternative(int id, String text, float logprob) {}

    public TokenInfo {
        top = List.copyOf(top);
    }
}
