package io.octavo.engine.sensitivity;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * Takes one option of every group, so that bytes are few while what is measured of all of them together stays within a limit. What
 * single groups lose orders the ways to choose; measuring says which of them is the first that will do, then which groups get by
 * with less after all, and in the end whether some get by with less if another gets more: losses of single groups do not quite
 * add up.
 */
final class PerplexitySearch {

    /** So many times what is left of the limit a group may be expected to take for measuring it to be worth while. */
    private static final double HOPE = 3;

    /** Exchanges that are measured at most. */
    private static final int EXCHANGES = 12;

    private final List<List<Option>> groups;
    private final double limit;
    private final ToDoubleFunction<List<Integer>> excess;

    /**
     * @param options that were taken, of each group
     * @param excess as it was measured
     */
    record Found(List<Integer> options, double excess) {}

    /**
     * @param limit of the excess
     * @param excess measures how much more all groups lose with these options than the original model, in nats a token
     */
    PerplexitySearch(List<List<Option>> groups, double limit, ToDoubleFunction<List<Integer>> excess) {
        this.groups = groups;
        this.limit = limit;
        this.excess = excess;
    }

    /** @return empty if even the way that loses least is beyond the limit */
    Optional<Found> search() {
        List<List<Integer>> ways = BudgetSearch.ways(groups);
        var found = new Found(ways.getLast(), measure(ways.getLast()));
        if (!(found.excess <= limit)) {
            return Optional.empty();
        }
        int failing = -1;
        int passing = ways.size() - 1;
        double factor = 1;
        for (boolean guess = true; passing - failing > 1; guess = !guess) {
            int middle = guess ? predicted(ways, failing, passing, factor) : (failing + passing) / 2;
            List<Integer> way = ways.get(middle);
            double measured = measure(way);
            factor = loss(way) > 0 && measured > 0 ? measured / loss(way) : factor;
            if (measured <= limit) {
                passing = middle;
                found = new Found(way, measured);
            } else {
                failing = middle;
            }
        }
        return Optional.of(exchanged(withLess(found, factor)));
    }

    private double measure(List<Integer> way) {
        double measured = excess.applyAsDouble(way);
        return Double.isNaN(measured) ? Double.POSITIVE_INFINITY : measured;
    }

    private double loss(List<Integer> way) {
        return IntStream.range(0, way.size())
                .mapToDouble(group -> groups.get(group).get(way.get(group)).loss())
                .sum();
    }

    /** The first way between two that should be within the limit. */
    private int predicted(List<List<Integer>> ways, int failing, int passing, double factor) {
        return IntStream.range(failing + 1, passing)
                .filter(way -> factor * loss(ways.get(way)) <= limit)
                .findFirst()
                .orElse(passing - 1);
    }

    /** Groups whose bytes weigh most come first. */
    private Found withLess(Found found, double factor) {
        Found best = found;
        List<Integer> order = IntStream.range(0, groups.size())
                .boxed()
                .sorted(Comparator.comparingLong(
                        (Integer group) -> -option(found, group).bytes()))
                .toList();
        for (int group : order) {
            best = withLess(best, group, factor);
        }
        return best;
    }

    private Found exchanged(Found found) {
        Found best = found;
        for (List<Integer> way : Exchanges.likeliest(groups, found.options, EXCHANGES)) {
            double measured = bytes(way) < bytes(best.options) ? measure(way) : Double.POSITIVE_INFINITY;
            best = measured <= limit ? new Found(way, measured) : best;
        }
        return best;
    }

    private long bytes(List<Integer> way) {
        return IntStream.range(0, way.size())
                .mapToLong(group -> groups.get(group).get(way.get(group)).bytes())
                .sum();
    }

    private Option option(Found found, int group) {
        return groups.get(group).get(found.options.get(group));
    }

    private Found withLess(Found found, int group, double factor) {
        Option taken = option(found, group);
        List<Option> options = groups.get(group);
        List<Integer> smaller = IntStream.range(0, options.size())
                .filter(option -> options.get(option).bytes() < taken.bytes())
                .boxed()
                .sorted(Comparator.comparingLong(option -> options.get(option).bytes()))
                .toList();
        for (int option : smaller) {
            double more = factor * (options.get(option).loss() - taken.loss());
            if (more <= HOPE * (limit - found.excess)) {
                var way = new ArrayList<>(found.options);
                way.set(group, option);
                double measured = measure(way);
                if (measured <= limit) {
                    return new Found(List.copyOf(way), measured);
                }
            }
        }
        return found;
    }
}
