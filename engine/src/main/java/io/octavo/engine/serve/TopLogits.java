package io.octavo.engine.serve;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** The largest logits of a row. */
final class TopLogits {

    /** The larger one first; among equals the token with the smaller id, as drawing has it. */
    private static final Comparator<Entry> ORDER =
            Comparator.comparing(Entry::logit).reversed().thenComparing(Entry::id);

    record Entry(int id, float logit) {}

    private TopLogits() {}

    /** @return {@code count} entries, or all of a shorter row, the largest first */
    static List<Entry> of(float[] row, int count) {
        var smallestFirst = new PriorityQueue<Entry>(ORDER.reversed());
        for (int id = 0; id < row.length; id++) {
            if (smallestFirst.size() < count) {
                smallestFirst.add(new Entry(id, row[id]));
            } else if (count > 0 && row[id] > smallestFirst.element().logit()) {
                smallestFirst.remove();
                smallestFirst.add(new Entry(id, row[id]));
            }
        }
        List<Entry> entries = new ArrayList<>(smallestFirst);
        entries.sort(ORDER);
        return entries;
    }
}
