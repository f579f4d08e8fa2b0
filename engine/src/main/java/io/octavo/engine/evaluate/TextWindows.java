package io.octavo.engine.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Cuts token streams into the windows that perplexity scores. */
final class TextWindows {

    private TextWindows() {}

    /** Non-overlapping windows of exactly {@code windowTokens}; the rest is dropped. */
    static List<int[]> cut(int[] ids, int windowTokens, int limit) {
        List<int[]> windows = new ArrayList<>();
        for (int from = 0; from + windowTokens <= ids.length && windows.size() < limit; from += windowTokens) {
            windows.add(Arrays.copyOfRange(ids, from, from + windowTokens));
        }
        return windows;
    }
}
