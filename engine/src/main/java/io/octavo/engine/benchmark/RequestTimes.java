package io.octavo.engine.benchmark;

import java.util.ArrayList;
import java.util.List;

/**
 * When the tokens of one request came, by {@link System#nanoTime}.
 *
 * @param arrival from when on its client waited
 * @param between nanoseconds from each token to the next
 */
record RequestTimes(int promptTokens, int newTokens, long arrival, long first, long last, List<Long> between) {

    RequestTimes {
        between = List.copyOf(between);
    }

    /** Notes times as they come. */
    static final class Recorder {

        private final int promptTokens;
        private final long arrival;
        private final List<Long> between = new ArrayList<>();
        private int newTokens;
        private long first;
        private long last;

        Recorder(int promptTokens, long arrival) {
            this.promptTokens = promptTokens;
            this.arrival = arrival;
        }

        /** @param count that came together, perhaps none where text alone came */
        void tokens(int count, long now) {
            if (count == 0) {
                return;
            }
            if (newTokens == 0) {
                first = now;
            } else {
                between.add(now - last);
            }
            for (int i = 1; i < count; i++) {
                between.add(0L);
            }
            newTokens += count;
            last = now;
        }

        RequestTimes done() {
            return new RequestTimes(promptTokens, newTokens, arrival, first, last, between);
        }
    }
}
