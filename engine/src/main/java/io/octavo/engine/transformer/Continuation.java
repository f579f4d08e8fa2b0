package io.octavo.engine.transformer;

import io.octavo.kernels.operation.Sampling;
import java.util.BitSet;
import java.util.List;

/**
 * A text that grows: its place in a cache, how its next token is drawn, and which tokens it holds.
 *
 * <p>All of it is known to the host, so that texts can share a {@link Decoder}'s steps with others at one time and run alone
 * at another. Not thread-safe.
 */
public final class Continuation {

    private final KvCache.Sequence sequence;
    private final Sampling.Request request;
    private final BitSet seen = new BitSet();
    private int tokens;
    private int drawn;
    private int last;

    /**
     * @param sequence borrowed; whoever draws has put all tokens of the prompt into it
     * @param request of the first draw
     * @param prompt at least one token; a repetition penalty is about these too
     */
    public Continuation(KvCache.Sequence sequence, Sampling.Request request, List<Integer> prompt) {
        if (prompt.isEmpty()) {
            throw new IllegalArgumentException("a prompt has at least one token");
        }
        this.sequence = sequence;
        this.request = request;
        this.tokens = prompt.size();
        this.last = prompt.getLast();
        prompt.forEach(seen::set);
    }

    KvCache.Sequence sequence() {
        return sequence;
    }

    /** @param ahead draws that are on their way */
    Sampling.Request request(int ahead) {
        return request.atStep(request.step() + drawn + ahead);
    }

    /** Whether the most likely token is taken as it is, which is quicker found than drawn. */
    boolean greedy() {
        return request.temperature() == 0 && !penalizes();
    }

    boolean penalizes() {
        return request.repetitionPenalty() != 1;
    }

    /** The newest token. */
    int last() {
        return last;
    }

    /** Tokens of prompt and text. */
    int tokens() {
        return tokens;
    }

    /** Bit {@code t % 8} of byte {@code t / 8} is set for tokens that the text holds; trailing zeros are left out. */
    byte[] seen() {
        return seen.toByteArray();
    }

    /** @param token -1 if none could be drawn; no later one can then */
    void append(int token) {
        if (token >= 0) {
            seen.set(token);
        }
        last = token;
        tokens++;
        drawn++;
    }
}
