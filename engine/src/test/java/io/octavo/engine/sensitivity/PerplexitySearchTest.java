package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PerplexitySearchTest {

    /** The slow, obvious way: every combination. */
    private static List<List<Integer>> combinations(List<List<Option>> groups) {
        List<List<Integer>> all = List.of(List.of());
        for (List<Option> options : groups) {
            var longer = new ArrayList<List<Integer>>();
            for (List<Integer> way : all) {
                for (int option = 0; option < options.size(); option++) {
                    var next = new ArrayList<>(way);
                    next.add(option);
                    longer.add(next);
                }
            }
            all = longer;
        }
        return all;
    }

    /** Larger options lose less, the last one nothing. */
    private static List<List<Option>> groups(Random random) {
        var groups = new ArrayList<List<Option>>();
        for (int group = 0; group < 1 + random.nextInt(6); group++) {
            long size = 1L + random.nextInt(5);
            double loss = Math.exp(2 * random.nextGaussian());
            groups.add(List.of(
                    new Option(8 * size, loss),
                    new Option(9 * size, loss * random.nextDouble()),
                    new Option(16 * size, 0)));
        }
        return groups;
    }

    @Test
    void spendsAsFewBytesAsTryingEverythingWhereLossesAddUp() {
        var random = new Random(11);
        for (int round = 0; round < 300; round++) {
            List<List<Option>> groups = groups(random);
            double limit = random.nextDouble() * 4;
            long least = combinations(groups).stream()
                    .filter(way -> WayFigures.loss(groups, way) <= limit)
                    .mapToLong(way -> WayFigures.bytes(groups, way))
                    .min()
                    .orElseThrow();

            PerplexitySearch.Found found = new PerplexitySearch(groups, limit, way -> WayFigures.loss(groups, way))
                    .search()
                    .orElseThrow();

            assertThat(found.excess())
                    .isEqualTo(WayFigures.loss(groups, found.options()))
                    .isLessThanOrEqualTo(limit);
            assertThat(WayFigures.bytes(groups, found.options()))
                    .as("round %d", round)
                    .isEqualTo(least);
        }
    }

    @Test
    void goesByWhatIsMeasuredWhereLossesDoNotAddUp() {
        var random = new Random(12);
        long spent = 0;
        long least = 0;
        for (int round = 0; round < 300; round++) {
            List<List<Option>> groups = groups(random);
            double limit = random.nextDouble() * 4;
            // Each group's share is off by a factor of its own, and all of them together count for less than their sum.
            double[] factors = random.doubles(groups.size(), 0.5, 2).toArray();
            ToDoubleFunction<List<Integer>> measured = way -> Math.pow(
                    IntStream.range(0, way.size())
                            .mapToDouble(group -> factors[group]
                                    * groups.get(group).get(way.get(group)).loss())
                            .sum(),
                    0.8);
            least += combinations(groups).stream()
                    .filter(way -> measured.applyAsDouble(way) <= limit)
                    .mapToLong(way -> WayFigures.bytes(groups, way))
                    .min()
                    .orElseThrow();

            PerplexitySearch.Found found =
                    new PerplexitySearch(groups, limit, measured).search().orElseThrow();

            assertThat(measured.applyAsDouble(found.options())).isLessThanOrEqualTo(limit);
            spent += WayFigures.bytes(groups, found.options());
        }
        assertThat((double) spent / least).isBetween(1.0, 1.03);
    }

    /** What the last group spares the others shows only where all are measured together. */
    @Test
    void exchangesWhereAGroupLosesMoreBesideAnother() {
        List<List<Option>> groups = List.of(
                List.of(new Option(10, 1), new Option(20, 0)),
                List.of(new Option(10, 1), new Option(20, 0)),
                List.of(new Option(10, 0.9), new Option(25, 0)),
                List.of(new Option(10, 0.8), new Option(26, 0)));
        ToDoubleFunction<List<Integer>> measured = way -> WayFigures.loss(groups, way) - (way.get(3) == 1 ? 1.3 : 0);
        long least = combinations(groups).stream()
                .filter(way -> measured.applyAsDouble(way) <= 1.75)
                .mapToLong(way -> WayFigures.bytes(groups, way))
                .min()
                .orElseThrow();

        PerplexitySearch.Found found =
                new PerplexitySearch(groups, 1.75, measured).search().orElseThrow();

        assertThat(WayFigures.bytes(groups, found.options())).isEqualTo(least);
        assertThat(found.excess()).isEqualTo(measured.applyAsDouble(found.options()));
    }

    @Test
    void measuresFewWaysOfMany() {
        var random = new Random(3);
        var groups = new ArrayList<List<Option>>();
        for (int layer = 0; layer < 32; layer++) {
            for (long size : new long[] {24, 16, 112, 56}) {
                double loss = 0.001 * random.nextDouble();
                groups.add(List.of(
                        new Option(size * 33, loss),
                        new Option(size * 36, loss * 0.7),
                        new Option(size * 65, loss * 0.004),
                        new Option(size * 128, 0)));
            }
        }
        var asked = new HashSet<List<Integer>>();
        PerplexitySearch.Found found = new PerplexitySearch(groups, 0.01, way -> {
                    asked.add(way);
                    return 1.2 * WayFigures.loss(groups, way);
                })
                .search()
                .orElseThrow();
        assertThat(found.excess()).isBetween(0.0095, 0.01);
        assertThat(asked).hasSizeLessThan(150);
    }

    @Test
    void findsNothingWhereAllIsBeyondTheLimit() {
        List<List<Option>> groups = List.of(List.of(new Option(1, 2), new Option(2, 1)));
        assertThat(new PerplexitySearch(groups, 0.5, way -> WayFigures.loss(groups, way)).search())
                .isEqualTo(Optional.empty());
        assertThat(new PerplexitySearch(groups, 5, way -> Double.NaN).search()).isEmpty();
    }
}
