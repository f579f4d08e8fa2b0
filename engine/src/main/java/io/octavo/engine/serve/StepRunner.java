package io.octavo.engine.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Runs steps of a batch on a device. */
interface StepRunner {

    /** So many of a text's pending tokens; room for them is reserved. */
    record Chunk(ServedText text, int tokens) {}

    /** A token that was drawn. */
    record Drawn(TokenInfo token) {

        /** In place of a token where logits hold NaN. */
        static final int NOT_FINITE = -1;

        boolean isFinite() {
            return token.id() != NOT_FINITE;
        }
    }

    /**
     * Brings tokens into the cache.
     *
     * @param chunks of different texts
     * @return for each chunk what its text goes on with; null where more of the text is pending, or nothing is to be drawn
     */
    List<@Nullable Drawn> run(List<Chunk> chunks);
}
