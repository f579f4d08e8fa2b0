package io.octavo.engine.chat;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/**
 * Python's {@code strftime} in the C locale, of the directives that templates may want of a local time, and glibc's
 * {@code -} against leading zeros. Other directives stay as they are written.
 */
final class Strftime {

    private static final Map<Character, String> PATTERNS = Map.ofEntries(
            Map.entry('a', "EEE"),
            Map.entry('A', "EEEE"),
            Map.entry('b', "MMM"),
            Map.entry('B', "MMMM"),
            Map.entry('d', "dd"),
            Map.entry('e', "ppd"),
            Map.entry('F', "uuuu-MM-dd"),
            Map.entry('H', "HH"),
            Map.entry('I', "hh"),
            Map.entry('j', "DDD"),
            Map.entry('m', "MM"),
            Map.entry('M', "mm"),
            Map.entry('p', "a"),
            Map.entry('S', "ss"),
            Map.entry('T', "HH:mm:ss"),
            Map.entry('y', "uu"),
            Map.entry('Y', "uuuu"));

    private Strftime() {}

    static String format(ZonedDateTime time, String format) {
        var text = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            boolean bare = format.startsWith("%-", i);
            int directive = bare ? i + 2 : i + 1;
            if (format.charAt(i) != '%' || directive >= format.length()) {
                text.append(format.charAt(i));
                continue;
            }
            String pattern = PATTERNS.get(format.charAt(directive));
            if (pattern != null) {
                String part = DateTimeFormatter.ofPattern(pattern, Locale.US).format(time);
                text.append(bare ? part.replaceFirst("^[0 ]+(?=\\d)", "") : part);
            } else {
                text.append(format.startsWith("%%", i) ? "%" : format.substring(i, directive + 1));
            }
            i = directive;
        }
        return text.toString();
    }
}
