package io.octavo.engine.sensitivity;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Takes one option of every group, so that losses add up to the least there is while bytes stay within a limit: a knapsack with
 * multiple choices, solved exactly. Ways that are both larger and worse than another are dropped group by group (Nemhauser and
 * Ullmann 1969); since many layers have the same shapes, few different sizes are left.
 */
final class BudgetSearch {

    /** One way to store a group. */
    record Option(long bytes, double loss) {}

    /** Of {@link #ways}, which are all there are while costs add up to fewer different ones. */
    private static final int MOST_WAYS = 4096;

    /** Options that were taken for the groups so far. */
    private record Way(
            long bytes, double loss, int option, @Nullable Way before) {}

    private BudgetSearch() {}

    /**
     * @param groups the options of each, at least one
     * @return which option of each group; empty if no way is within the limit
     */
    static Optional<List<Integer>> search(List<List<Option>> groups, long limit) {
        List<Way> ways = within(groups, limit);
        return ways.isEmpty() ? Optional.empty() : Optional.of(options(ways.getLast()));
    }

    /**
     * All ways that nothing smaller is as good as, from the smallest on: losses fall. Where there are very many, bytes are rounded up.
     *
     * @return which option of each group
     */
    static List<List<Integer>> ways(List<List<Option>> groups) {
        long unit = 0;
        long range = 0;
        for (List<Option> options : groups) {
            long least = least(options);
            for (Option option : options) {
                unit = gcd(option.bytes - least, unit);
            }
            range += options.stream().mapToLong(Option::bytes).max().orElseThrow() - least;
        }
        long step = Math.max(Math.max(unit, 1), Math.ceilDiv(range, MOST_WAYS));
        List<List<Option>> rounded = groups.stream()
                .map(options -> options.stream()
                        .map(option -> new Option(Math.ceilDiv(option.bytes - least(options), step), option.loss))
                        .toList())
                .toList();
        return within(rounded, Long.MAX_VALUE).stream()
                .map(BudgetSearch::options)
                .toList();
    }

    private static long gcd(long a, long b) {
        return b == 0 ? a : gcd(b, a % b);
    }

    private static long least(List<Option> options) {
        return options.stream().mapToLong(Option::bytes).min().orElseThrow();
    }

    private static List<Way> within(List<List<Option>> groups, long limit) {
        long[] least = new long[groups.size() + 1];
        for (int group = groups.size() - 1; group >= 0; group--) {
            least[group] = least[group + 1] + least(groups.get(group));
        }
        List<Way> ways = List.of(new Way(0, 0, -1, null));
        for (int group = 0; group < groups.size(); group++) {
            var longer = new ArrayList<Way>();
            for (Way way : ways) {
                for (int option = 0; option < groups.get(group).size(); option++) {
                    Option taken = groups.get(group).get(option);
                    long bytes = way.bytes + taken.bytes;
                    if (bytes + least[group + 1] <= limit) {
                        longer.add(new Way(bytes, way.loss + taken.loss, option, way));
                    }
                }
            }
            ways = best(longer);
        }
        return ways;
    }

    /** Those that nothing smaller is as good as, from the smallest on: losses fall. */
    private static List<Way> best(List<Way> ways) {
        ways.sort(Comparator.comparingLong(Way::bytes).thenComparingDouble(Way::loss));
        var best = new ArrayList<Way>();
        for (Way way : ways) {
            if (best.isEmpty() || way.loss < best.getLast().loss) {
                best.add(way);
            }
        }
        return best;
    }

    private static List<Integer> options(Way last) {
        var options = new ArrayList<Integer>();
        for (Way way = last; way != null && way.before != null; way = way.before) {
            options.add(way.option);
        }
        return List.copyOf(options.reversed());
    }
}
