package io.octavo.engine.serve;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Log-probabilities by a row of logits. */
final class RowScores {

    private record Entry(int id, float logit) {}

    /** The larger one first; among equals the token with the smaller id, as drawing has it. */
    private static final Comparator<Entry> ORDER =
            Comparator.comparingDouble(Entry::logit).reversed().thenComparingInt(Entry::id);

    private final float[] row;
    private final double logTotal;
    private final List<Entry> top;

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
        this.top = largest(row, top);
    }

    static int mostLikely(float[] row) {
        return largest(row, 1).getFirst().id();
    }

    private static List<Entry> largest(float[] row, int count) {
        var smallestFirst = new PriorityQueue<Entry>(ORDER.reversed());
        for (int id = 0; id < row.length && count > 0; id++) {
            if (smallestFirst.size() < count) {
                smallestFirst.add(new Entry(id, row[id]));
            } else if (row[id] > smallestFirst.element().logit()) {
                smallestFirst.remove();
                smallestFirst.add(new Entry(id, row[id]));
            }
        }
        List<Entry> entries = new ArrayList<>(smallestFirst);
        entries.sort(ORDER);
        return entries;
    }

    float logprob(int token) {
        return (float) Math.min(0, row[token] - logTotal);
    }

    List<TokenInfo.Alternative> top(Vocabulary vocabulary) {
        return top.stream()
                .map(entry -> vocabulary.alternative(entry.id(), logprob(entry.id())))
                .toList();
    }
}
