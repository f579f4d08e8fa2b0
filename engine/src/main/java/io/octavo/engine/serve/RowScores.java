package io.octavo.engine.serve;

import java.util.List;

/** Log-probabilities by a row of logits. */
final class RowScores {

    private final float[] row;
    private final double logTotal;
    private final List<TopLogits.Entry> top;

    /**
     * @param row kept
     * @param token any one of the row
     * @param loss its negative log-likelihood, as the device computed it: the host would take milliseconds for the
     *     exponentials of a row
     * @param top how many entries are wanted
     */
    RowScores(float[] row, int token, float loss, int top) {
        this.row = row;
        this.logTotal = (double) loss + row[token];
        this.top = TopLogits.of(row, top);
    }

    float logprob(int token) {
        return (float) Math.min(0, row[token] - logTotal);
    }

    List<TokenInfo.Alternative> top(Vocabulary vocabulary) {
        return top.stream()
                .map(entry -> new TokenInfo.Alternative(entry.id(), vocabulary.text(entry.id()), logprob(entry.id())))
                .toList();
    }
}
