package io.octavo.hub;

import java.text.Normalizer;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Two different names that are one to the file systems of macOS and Windows, since they differ by the case of letters or by
 * how Unicode composes them alone: of a folder with both, one would be lost there.
 */
public record NameClash(String one, String other) {

    /** The first among them. */
    public static Optional<NameClash> among(Collection<String> names) {
        Map<String, String> known = new HashMap<>();
        for (String name : names) {
            String earlier = known.putIfAbsent(folded(name), name);
            if (earlier != null && !earlier.equals(name)) {
                return Optional.of(new NameClash(earlier, name));
            }
        }
        return Optional.empty();
    }

    private static String folded(String name) {
        int[] letters = Normalizer.normalize(name, Normalizer.Form.NFC)
                .codePoints()
                .map(Character::toUpperCase)
                .map(Character::toLowerCase)
                .toArray();
        return new String(letters, 0, letters.length);
    }

    @Override
    public String toString() {
        return "'" + one + "' and '" + other + "' are one name to macOS and Windows";
    }
}
