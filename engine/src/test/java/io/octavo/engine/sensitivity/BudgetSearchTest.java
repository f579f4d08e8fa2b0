package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BudgetSearchTest {

    /** The slow, obvious way: every combination. */
    private static double leastLoss(List<List<Option>> groups, int from, long left) {
        if (left < 0) {
            return Double.POSITIVE_INFINITY;
        }
        if (from == groups.size()) {
            return 0;
        }
        return groups.get(from).stream()
                .mapToDouble(option -> option.loss() + leastLoss(groups, from + 1, left - option.bytes()))
                .min()
                .orElseThrow();
    }

    @Test
    void findsWhatTryingEverythingFinds() {
        var random = new Random(7);
        int found = 0;
        for (int round = 0; round < 500; round++) {
            var groups = new ArrayList<List<Option>>();
            for (int group = 0; group < 1 + random.nextInt(7); group++) {
                groups.add(IntStream.range(0, 1 + random.nextInt(4))
                        .mapToObj(option -> new Option(random.nextInt(12), random.nextInt(20)))
                        .toList());
            }
            long limit = random.nextInt(60);
            double least = leastLoss(groups, 0, limit);

            Optional<List<Integer>> ways = BudgetSearch.search(groups, limit);

            assertThat(ways.isPresent()).isEqualTo(least < Double.POSITIVE_INFINITY);
            if (ways.isPresent()) {
                found++;
                List<Option> taken = IntStream.range(0, groups.size())
                        .mapToObj(group -> groups.get(group).get(ways.get().get(group)))
                        .toList();
                assertThat(taken.stream().mapToDouble(Option::loss).sum()).isEqualTo(least);
                assertThat(taken.stream().mapToLong(Option::bytes).sum()).isLessThanOrEqualTo(limit);
            }
        }
        assertThat(found).isGreaterThan(100);
    }

    /** The least loss of each size, by every combination. */
    private static Map<Long, Double> leastLosses(List<List<Option>> groups) {
        Map<Long, Double> least = Map.of(0L, 0.0);
        for (List<Option> options : groups) {
            var longer = new TreeMap<Long, Double>();
            least.forEach((bytes, loss) ->
                    options.forEach(option -> longer.merge(bytes + option.bytes(), loss + option.loss(), Math::min)));
            least = longer;
        }
        return least;
    }

    @Test
    void waysAreThoseThatNothingSmallerIsAsGoodAs() {
        var random = new Random(21);
        for (int round = 0; round < 300; round++) {
            var groups = new ArrayList<List<Option>>();
            long unit = 1L + random.nextInt(1000);
            for (int group = 0; group < 1 + random.nextInt(7); group++) {
                groups.add(IntStream.range(0, 1 + random.nextInt(4))
                        .mapToObj(option -> new Option(unit * random.nextInt(12) + 5, random.nextInt(20)))
                        .toList());
            }
            var front = new ArrayList<Map.Entry<Long, Double>>();
            leastLosses(groups).forEach((bytes, loss) -> {
                if (front.isEmpty() || loss < front.getLast().getValue()) {
                    front.add(Map.entry(bytes, loss));
                }
            });

            List<List<Integer>> ways = BudgetSearch.ways(groups);

            assertThat(ways.stream()
                            .map(way -> Map.entry(WayFigures.bytes(groups, way), WayFigures.loss(groups, way)))
                            .toList())
                    .as("round %d", round)
                    .isEqualTo(front);
        }
    }

    /** Sizes that have nothing in common add up to more different ones than are kept: each way is a little larger than need be. */
    @Test
    void waysOfVeryManySizesAreFewAndNearlyTheBest() {
        var random = new Random(22);
        var groups = new ArrayList<List<Option>>();
        long range = 0;
        for (int group = 0; group < 24; group++) {
            List<Option> options = IntStream.range(0, 4)
                    .mapToObj(option -> new Option(random.nextInt(1_000_000_000), random.nextDouble()))
                    .toList();
            groups.add(options);
            range += options.stream().mapToLong(Option::bytes).max().orElseThrow()
                    - options.stream().mapToLong(Option::bytes).min().orElseThrow();
        }
        List<List<Integer>> ways = BudgetSearch.ways(groups);

        assertThat(ways).hasSizeBetween(50, 4096 + groups.size());
        assertThat(ways).isSortedAccordingTo(Comparator.comparingDouble(way -> -WayFigures.loss(groups, way)));
        long tooLarge = groups.size() * Math.ceilDiv(range, 4096);
        long least = groups.stream()
                .mapToLong(options ->
                        options.stream().mapToLong(Option::bytes).min().orElseThrow())
                .sum();
        for (int tenth = 1; tenth < 10; tenth++) {
            long limit = least + range / 10 * tenth;
            double best =
                    WayFigures.loss(groups, BudgetSearch.search(groups, limit).orElseThrow());
            assertThat(ways)
                    .anyMatch(way ->
                            WayFigures.bytes(groups, way) <= limit + tooLarge && WayFigures.loss(groups, way) <= best);
        }
    }

    @Test
    void takesTheCheapestOfWhatIsEquallyGood() {
        List<Option> group = List.of(new Option(5, 1), new Option(3, 1), new Option(4, 1));
        assertThat(BudgetSearch.search(List.of(group, group), 10)).contains(List.of(1, 1));
    }

    @Test
    void copesWithAModelOfManyLayers() {
        var groups = new ArrayList<List<Option>>();
        var random = new Random(1);
        for (int layer = 0; layer < 80; layer++) {
            for (long size : new long[] {20, 16, 112, 56}) {
                double loss = random.nextDouble();
                groups.add(List.of(
                        new Option(size * 33, loss),
                        new Option(size * 36, loss * 0.7),
                        new Option(size * 65, loss * 0.004),
                        new Option(size * 128, 0)));
            }
        }
        assertThat(BudgetSearch.search(groups, 80L * 204 * 40)).isPresent();
    }
}
