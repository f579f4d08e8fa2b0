package io.octavo.engine.evaluate;

import io.octavo.engine.request.EvaluationTask.Windowing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;

/** Cuts token streams into the windows that perplexity scores. */
final class TextWindows {

    private TextWindows() {}

    /**
     * @param ids of one text, with the special tokens that the windowing asks for
     * @param prefix what stands before a text
     */
    static List<ScoredSequence> cut(Windowing windowing, int[] ids, OptionalInt prefix) {
        return switch (windowing) {
            case Windowing.Disjoint disjoint -> disjoint(ids, prefix, disjoint.tokens());
            case Windowing.Rolling rolling -> rolling(ids, prefix, rolling.tokens());
            case Windowing.Sliding sliding -> sliding(ids, sliding.tokens(), sliding.stride());
        };
    }

    private static List<ScoredSequence> disjoint(int[] ids, OptionalInt prefix, int windowTokens) {
        List<ScoredSequence> windows = new ArrayList<>();
        for (int from = 0; from + windowTokens <= ids.length; from += windowTokens) {
            add(windows, after(prefix, Arrays.copyOfRange(ids, from, from + windowTokens)), 1);
        }
        return windows;
    }

    private static List<ScoredSequence> rolling(int[] ids, OptionalInt prefix, int windowTokens) {
        List<ScoredSequence> windows = new ArrayList<>();
        int scored = Math.min(windowTokens, ids.length);
        add(windows, after(prefix, Arrays.copyOf(ids, scored)), 1);
        while (scored < ids.length) {
            int end = Math.min(scored + windowTokens, ids.length);
            int from = end - windowTokens - 1;
            add(windows, Arrays.copyOfRange(ids, from, end), scored - from);
            scored = end;
        }
        return windows;
    }

    private static List<ScoredSequence> sliding(int[] ids, int windowTokens, int stride) {
        List<ScoredSequence> windows = new ArrayList<>();
        int scored = 1; // Nothing comes before the first token.
        for (int from = 0; scored < ids.length; from += stride) {
            int end = Math.min(from + windowTokens, ids.length);
            // A window's own first token follows nothing that the window shows.
            add(windows, Arrays.copyOfRange(ids, from, end), Math.max(scored - from, 1));
            scored = end;
        }
        return windows;
    }

    /** Leaves out what has no token to score. */
    private static void add(List<ScoredSequence> windows, int[] tokens, int firstScored) {
        if (firstScored < tokens.length) {
            windows.add(new ScoredSequence(tokens, firstScored));
        }
    }

    private static int[] after(OptionalInt prefix, int[] ids) {
        return IntStream.concat(prefix.stream(), IntStream.of(ids)).toArray();
    }
}
