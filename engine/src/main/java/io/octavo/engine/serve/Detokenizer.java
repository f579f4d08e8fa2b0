package io.octavo.engine.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Tokens to text, as they come. What a token adds depends on those before it, so a few of them are decoded again each time;
 * and a token may hold a part of a character, so text is held back while it ends in what cannot be decoded.
 */
final class Detokenizer {

    /** Of the prompt: enough for any character, and for what a tokenizer does between words. */
    private static final int CONTEXT = 6;

    private static final char UNDECODED = '\uFFFD';

    private final Function<List<Integer>, String> decoder;

    /** Those whose text is out, as far as they are context, and after them those whose text is not. */
    private List<Integer> tokens;

    /** Characters of {@code tokens}' text that are out; unknown until the first token comes. */
    private int out = -1;

    /** Of {@code tokens}. */
    private int context;

    /** @param decoder of tokens that stand at the beginning of a text */
    Detokenizer(Function<List<Integer>, String> decoder, List<Integer> prompt) {
        this.decoder = decoder;
        this.tokens = new ArrayList<>(prompt.subList(Math.max(0, prompt.size() - CONTEXT), prompt.size()));
        this.context = tokens.size();
    }

    private static String withoutUndecoded(String text) {
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == UNDECODED) {
            end--;
        }
        return text.substring(0, end);
    }

    /** @return whole characters that are certain now */
    String add(int token) {
        if (out < 0) {
            out = withoutUndecoded(decoder.apply(tokens)).length();
        }
        tokens.add(token);
        String text = decoder.apply(tokens);
        if (text.length() <= out || text.charAt(text.length() - 1) == UNDECODED) {
            return "";
        }
        String added = text.substring(out);
        tokens = new ArrayList<>(tokens.subList(context, tokens.size()));
        context = tokens.size();
        out = decoder.apply(tokens).length();
        return added;
    }

    /** What was held back. */
    String rest() {
        if (out < 0) {
            return "";
        }
        String text = decoder.apply(tokens);
        return text.length() <= out ? "" : text.substring(out);
    }
}
