package io.octavo.engine.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StopStringsTest {

    @Test
    void holdsBackWhatMayBecomeAStopString() {
        var stops = new StopStrings(List.of("\n\nQ:", "END"));
        assertThat(stops.add("one\n")).isEqualTo("one");
        assertThat(stops.add("\nQ")).isEmpty();
        assertThat(stops.add("uery E")).isEqualTo("\n\nQuery ");
        assertThat(stops.add("N")).isEmpty();
        assertThat(stops.rest()).isEqualTo("EN");
        assertThat(stops.add("D and more")).isEmpty();
        assertThat(stops.found()).isEqualTo("END");
    }

    @ParameterizedTest
    @CsvSource({"ab, ab", "b, b"})
    void ofSeveralThatEndTogetherItTakesTheLongest(String first, String second) {
        var stops = new StopStrings(List.of(first, "b", second));
        assertThat(stops.add("xab")).isEqualTo(first.length() == 2 ? "x" : "xa");
        assertThat(stops.found()).isEqualTo(first);
    }

    /** Beside a search in the whole text: the first end of any string, and of those that end there the longest. */
    @Test
    void findsTheSameWhereverPiecesEnd() {
        var random = new SplittableRandom(5);
        for (int round = 0; round < 5000; round++) {
            String text = text(random, random.nextInt(30));
            List<String> strings = List.of(
                    text(random, 1 + random.nextInt(5)),
                    text(random, 1 + random.nextInt(5)),
                    text(random, 1 + random.nextInt(5)));
            String expected = beforeStop(text, strings);

            var stops = new StopStrings(strings);
            var found = new StringBuilder();
            int at = 0;
            while (at < text.length() && stops.found() == null) {
                int end = Math.min(text.length(), at + 1 + random.nextInt(4));
                found.append(stops.add(text.substring(at, end)));
                assertThat(expected).as("%s in %s", strings, text).startsWith(found);
                at = end;
            }
            found.append(stops.found() == null ? stops.rest() : "");
            assertThat(found.toString()).as("%s in %s", strings, text).isEqualTo(expected);
        }
    }

    private static String text(SplittableRandom random, int length) {
        var text = new StringBuilder();
        random.ints(length, 'a', 'c').forEach(letter -> text.append((char) letter));
        return text.toString();
    }

    private static String beforeStop(String text, List<String> strings) {
        for (int end = 1; end <= text.length(); end++) {
            int longest = 0;
            for (String string : strings) {
                longest = text.substring(0, end).endsWith(string) ? Math.max(longest, string.length()) : longest;
            }
            if (longest > 0) {
                return text.substring(0, end - longest);
            }
        }
        return text;
    }
}
