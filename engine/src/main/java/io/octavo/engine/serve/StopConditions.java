package io.octavo.engine.serve;

import java.util.List;
import java.util.Set;

/**
 * What ends a text before its last allowed token.
 *
 * @param strings the text ends before the first of them; no more than {@value #MOST_STRINGS}, each of 1 to
 *     {@value #MOST_CHARACTERS} characters
 * @param tokens ids that end the text; theirs is not part of it
 * @param ignoresEnd whether the model's own end-of-sequence tokens are tokens like others
 * @param includesStop whether the string or token that ended the text is part of it
 */
public record StopConditions(List<String> strings, Set<Integer> tokens, boolean ignoresEnd, boolean includesStop) {

    public static final int MOST_STRINGS = 16;
    public static final int MOST_CHARACTERS = 1024;

    /** @throws IllegalArgumentException if there are too many strings, or one is empty or too long */
    public StopConditions {
        strings = List.copyOf(strings);
        tokens = Set.copyOf(tokens);
        Ranges.require("number of stop strings", strings.size(), 0, MOST_STRINGS);
        strings.forEach(string -> Ranges.require("length of a stop string", string.length(), 1, MOST_CHARACTERS));
    }

    /** The model's end-of-sequence tokens alone. */
    public static StopConditions none() {
        return new StopConditions(List.of(), Set.of(), false, false);
    }

    public static StopConditions at(String... strings) {
        return new StopConditions(List.of(strings), Set.of(), false, false);
    }
}
