package io.octavo.engine.sensitivity;

import static org.assertj.core.api.Assertions.assertThat;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
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
