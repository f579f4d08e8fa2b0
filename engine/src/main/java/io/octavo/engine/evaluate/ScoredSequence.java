package io.octavo.engine.evaluate;

import java.util.Arrays;

/** Tokens of which the last ones are scored. Immutable: the array is never handed out whole. */
final class ScoredSequence {

    private final int[] tokens;
    private final int firstScored;

    /**
     * @param tokens the whole sequence, its prefix token included; ownership passes
     * @param firstScored index of the first token whose likelihood counts, at least 1
     */
    ScoredSequence(int[] tokens, int firstScored) {
        if (firstScored < 1 || firstScored >= tokens.length) {
            throw new IllegalArgumentException("firstScored " + firstScored + " of " + tokens.length + " tokens");
        }
        this.tokens = tokens;
        this.firstScored = firstScored;
    }

    int token(int index) {
        return tokens[index];
    }

    int firstScored() {
        return firstScored;
    }

    int length() {
        return tokens.length;
    }

    /** What goes through the model: all tokens but the last, which nothing follows. */
    int[] input() {
        return Arrays.copyOf(tokens, inputTokens());
    }

    /** Whether one pass gives the scores of both, as with choices of one token each. */
    boolean hasInputOf(ScoredSequence other) {
        return firstScored == other.firstScored
                && Arrays.equals(tokens, 0, inputTokens(), other.tokens, 0, other.inputTokens());
    }

    int inputTokens() {
        return tokens.length - 1;
    }

    int scoredTokens() {
        return tokens.length - firstScored;
    }

    /** The same scored tokens with at most {@code limit} input tokens where possible: the oldest are dropped. */
    ScoredSequence keepLast(int limit) {
        int dropped = Math.min(inputTokens() - limit, firstScored - 1);
        return dropped <= 0
                ? this
                : new ScoredSequence(Arrays.copyOfRange(tokens, dropped, tokens.length), firstScored - dropped);
    }
}
