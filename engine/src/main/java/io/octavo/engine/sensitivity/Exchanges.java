package io.octavo.engine.sensitivity;

import io.octavo.engine.sensitivity.BudgetSearch.Option;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/** Ways beside one that are cheaper: one group gets more, and one or two others get less. */
final class Exchanges {

    private final List<List<Option>> groups;
    private final List<Integer> taken;

    /** Another option of a group, and what that changes. */
    private record Move(int group, int option, long bytes, double loss) {}

    /** @param third of no group where two change */
    private record Exchange(Move first, Move second, Move third, double loss) {}

    private Exchanges(List<List<Option>> groups, List<Integer> taken) {
        this.groups = groups;
        this.taken = taken;
    }

    /** @return at most so many, from those on that lose least by the sum of their groups' losses */
    static List<List<Integer>> likeliest(List<List<Option>> groups, List<Integer> taken, int most) {
        return new Exchanges(groups, taken).likeliest(most);
    }

    private List<List<Integer>> likeliest(int most) {
        List<Move> moves = moves();
        List<Move> cheaper = moves.stream().filter(move -> move.bytes < 0).toList();
        var best = new PriorityQueue<Exchange>(
                Comparator.comparingDouble(Exchange::loss).reversed());
        for (Move better : moves) {
            if (better.bytes > 0 && better.loss < 0) {
                for (int i = 0; i < cheaper.size(); i++) {
                    Move one = cheaper.get(i);
                    offer(best, most, better, one, new Move(-1, -1, 0, 0));
                    for (int j = i + 1; j < cheaper.size(); j++) {
                        offer(best, most, better, one, cheaper.get(j));
                    }
                }
            }
        }
        return best.stream()
                .sorted(Comparator.comparingDouble(Exchange::loss))
                .map(this::way)
                .toList();
    }

    private List<Move> moves() {
        var moves = new ArrayList<Move>();
        for (int group = 0; group < groups.size(); group++) {
            List<Option> options = groups.get(group);
            Option now = options.get(taken.get(group));
            for (int option = 0; option < options.size(); option++) {
                Option other = options.get(option);
                moves.add(new Move(group, option, other.bytes() - now.bytes(), other.loss() - now.loss()));
            }
        }
        return moves;
    }

    /** Of different groups, if it is cheaper and among the best. */
    private static void offer(PriorityQueue<Exchange> best, int most, Move better, Move one, Move other) {
        double loss = better.loss + one.loss + other.loss;
        boolean full = best.size() >= most;
        if (better.bytes + one.bytes + other.bytes >= 0
                || (full && loss >= best.element().loss)
                || better.group == one.group
                || better.group == other.group
                || one.group == other.group) {
            return;
        }
        if (full) {
            best.remove();
        }
        best.add(new Exchange(better, one, other, loss));
    }

    private List<Integer> way(Exchange exchange) {
        var way = new ArrayList<>(taken);
        for (Move move : List.of(exchange.first, exchange.second, exchange.third)) {
            if (move.group >= 0) {
                way.set(move.group, move.option);
            }
        }
        return List.copyOf(way);
    }
}
