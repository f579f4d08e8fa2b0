package io.octavo.hub;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** A branch's or a tag's name, by git's rules (git-check-ref-format) and without the names that mean something else. */
public record RefName(String value) {

    private static final int MAX_BYTES = 200;

    private static final Pattern REFUSED = Pattern.compile(
            "[\\p{C}\\p{Z}~^:?*\\[\\\\]|\\.\\.|@\\{|//|/\\.|^[/.-]|[/.]$|\\.lock(/|$)|^@$|^refs/|^HEAD$");

    /** What names a revision itself. */
    private static final Pattern REVISION = Pattern.compile("[0-9a-f]{40}");

    public RefName {
        if (value.isEmpty() || value.getBytes(StandardCharsets.UTF_8).length > MAX_BYTES) {
            throw new IllegalArgumentException("must have 1 to " + MAX_BYTES + " bytes");
        }
        if (REFUSED.matcher(value).find() || REVISION.matcher(value).matches()) {
            throw new IllegalArgumentException(
                    "must be a name that git takes for a branch or a tag, neither refs/..., HEAD nor 40 hex digits");
        }
    }

    @Override
    public String toString() {
        return value;
    }
}
