package io.octavo.engine.serve;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks for strings in a text that comes in pieces. Which one is found does not depend on where the pieces end: the one that
 * is complete first, and of several that end in one place the longest. Knuth, Morris and Pratt's way (SIAM J. Comput. 6(2),
 * 1977): each character is looked at once a string, however hostile the strings are.
 */
final class StopStrings {

    private final List<String> strings;

    /** Of each string and each of its prefixes: the length of the longest other one that it ends in. */
    private final int[][] fallbacks;

    /** Characters of each string that the text ends in. */
    private final int[] matched;

    private final StringBuilder held = new StringBuilder();
    private @Nullable String found;

    StopStrings(List<String> strings) {
        this.strings = strings;
        this.fallbacks = strings.stream().map(StopStrings::fallbacks).toArray(int[][]::new);
        this.matched = new int[strings.size()];
    }

    private static int[] fallbacks(String string) {
        int[] fallbacks = new int[string.length() + 1];
        int length = 0;
        for (int i = 1; i < string.length(); i++) {
            while (length > 0 && string.charAt(i) != string.charAt(length)) {
                length = fallbacks[length];
            }
            if (string.charAt(i) == string.charAt(length)) {
                length++;
            }
            fallbacks[i + 1] = length;
        }
        return fallbacks;
    }

    /** The string that ended the text, if one did. */
    @Nullable String found() {
        return found;
    }

    /**
     * @param text never after a string was found
     * @return what can no longer be a part of a string; all before the string once one is found
     */
    String add(String text) {
        for (int i = 0; i < text.length(); i++) {
            held.append(text.charAt(i));
            match(text.charAt(i));
            if (found != null) {
                return held.substring(0, held.length() - found.length());
            }
        }
        int certain = held.length() - longestMatch();
        String released = held.substring(0, certain);
        held.delete(0, certain);
        return released;
    }

    private void match(char next) {
        for (int s = 0; s < matched.length; s++) {
            String string = strings.get(s);
            int length = matched[s];
            while (length > 0 && string.charAt(length) != next) {
                length = fallbacks[s][length];
            }
            matched[s] = string.charAt(length) == next ? length + 1 : 0;
            boolean complete = matched[s] == string.length();
            if (complete && (found == null || found.length() < string.length())) {
                found = string;
            }
        }
    }

    private int longestMatch() {
        int longest = 0;
        for (int length : matched) {
            longest = Math.max(longest, length);
        }
        return longest;
    }

    /** What was held back, at the end of a text in which no string was found. */
    String rest() {
        return held.toString();
    }
}
