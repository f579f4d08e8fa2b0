package io.octavo.engine.modify;

import java.util.List;
import java.util.function.ToDoubleFunction;

/** Scales that are tried, all at once on the processor's cores. */
final class Candidates {

    private Candidates() {}

    /** The first of those that cost least; the first of all where nothing is known to be better. */
    static float[] cheapest(List<float[]> scales, ToDoubleFunction<float[]> cost) {
        double[] costs = scales.parallelStream().mapToDouble(cost).toArray();
        int best = 0;
        for (int i = 1; i < costs.length; i++) {
            if (costs[i] < costs[best]) {
                best = i;
            }
        }
        return scales.get(best);
    }
}
