package io.octavo.cli.client;

import java.util.regex.Pattern;

/** The name of a repository, {@code namespace/name}. */
public record RepositoryName(String namespace, String name) {

    private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");

    public RepositoryName {
        requirePart(namespace);
        requirePart(name);
    }

    /**
     * @throws IllegalArgumentException unless the text is {@code namespace/name}
     */
    public static RepositoryName parse(String text) {
        String[] parts = text.split("/", -1);
        if (parts.length != 2) {
            throw new IllegalArgumentException("a repository is namespace/name, not '" + text + "'");
        }
        return new RepositoryName(parts[0], parts[1]);
    }

    private static void requirePart(String part) {
        if (!PART.matcher(part).matches() || part.contains("..")) {
            throw new IllegalArgumentException(
                    "a repository's namespace and name are up to 96 letters, digits, '.', '_'"
                            + " and '-', starting with a letter or digit: '" + part + "'");
        }
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
