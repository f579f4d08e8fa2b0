package io.octavo.cli.transfer;

import io.octavo.hub.NameClash;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** What a file may be called in a repository, {@code /} between folders, and so in a folder that it is written to. */
final class FileName {

    private static final int LONGEST = 1024;
    private static final int LONGEST_SHOWN = 120;
    private static final Pattern UNPRINTABLE = Pattern.compile("[\\p{Cc}\\p{Cf}]");

    private FileName() {}

    /** Why it is refused: it leads elsewhere, could be read differently there, or would give git's own files. */
    static Optional<String> refusal(String path) {
        if (path.isEmpty() || path.length() > LONGEST) {
            return Optional.of("its length is " + path.length() + ", not 1 to " + LONGEST);
        }
        if (path.chars().anyMatch(c -> Character.isISOControl(c) || c == '\\')) {
            return Optional.of("it holds a control character or a backslash");
        }
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                return Optional.of("it is absolute or not in its plain form");
            }
            if (part.equalsIgnoreCase(".git")) {
                return Optional.of("it is a file of git's own");
            }
        }
        return Optional.empty();
    }

    /** What is wrong with them together: one is listed twice, or two are one name elsewhere. */
    static Optional<String> clash(List<String> paths) {
        Set<String> known = new HashSet<>();
        return paths.stream()
                .filter(path -> !known.add(path))
                .findFirst()
                .map(path -> "'" + path + "' is listed twice")
                .or(() -> NameClash.among(paths).map(NameClash::toString))
                .map(FileName::shown);
    }

    /** For people: on one line, and such that nothing of it is hidden. */
    static String shown(String path) {
        String start = path.length() > LONGEST_SHOWN ? path.substring(0, LONGEST_SHOWN) + "..." : path;
        return UNPRINTABLE
                .matcher(start)
                .replaceAll(found -> String.format(
                        Locale.ROOT, "\\\\u%04x", (int) found.group().charAt(0)));
    }
}
