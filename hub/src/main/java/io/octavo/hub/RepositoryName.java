package io.octavo.hub;

import java.util.regex.Pattern;

/** A repository's name, {@code namespace/name}. */
public record RepositoryName(String namespace, String name) {

    private static final Pattern PART = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}");

    public RepositoryName {
        requirePart("must have a namespace of ", namespace);
        requirePart("must have a name of ", name);
    }

    /** @throws IllegalArgumentException if it is none */
    public static String requireNamespace(String text) {
        requirePart("must be ", text);
        return text;
    }

    private static void requirePart(String rule, String part) {
        if (!PART.matcher(part).matches() || part.contains("..") || part.endsWith(".git") || part.endsWith(".")) {
            throw new IllegalArgumentException(
                    rule + "1 to 96 letters, digits, '.', '_' or '-', starting with a letter or digit,"
                            + " without '..' and not ending in '.' or '.git'");
        }
    }

    public static RepositoryName parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || slash != text.lastIndexOf('/')) {
            throw new IllegalArgumentException("must be namespace/name");
        }
        return new RepositoryName(text.substring(0, slash), text.substring(slash + 1));
    }

    @Override
    public String toString() {
        return namespace + "/" + name;
    }
}
