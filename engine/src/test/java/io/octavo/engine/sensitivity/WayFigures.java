package io.octavo.engine.sensitivity;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.List;
import java.util.stream.IntStream;

/** What one option of each group comes to. */
final class WayFigures {

    private WayFigures() {}

    static long bytes(List<List<Option>> groups, List<Integer> way) {
        return IntStream.range(0, way.size())
                .mapToLong(group -> groups.get(group).get(way.get(group)).bytes())
                .sum();
    }

    static double loss(List<List<Option>> groups, List<Integer> way) {
        return IntStream.range(0, way.size())
                .mapToDouble(group -> groups.get(group).get(way.get(group)).loss())
                .sum();
    }
}
