package io.octavo.jobs.repository;

import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * A file's path inside a repository: relative, forward slashes, safe to create below any folder.
 *
 * <p>Refused: absolute paths, empty, {@code .} and {@code ..} segments, backslashes, control characters, {@code .git}
 * segments, and names longer than file systems take.
 */
public record RepositoryPath(String value) {

    public static final int MAX_BYTES = 1024;
    public static final int MAX_SEGMENT_BYTES = 255;

    public RepositoryPath {
        if (value.isEmpty()) {
            throw new IllegalArgumentException("is empty");
        }
        if (bytes(value) > MAX_BYTES) {
            throw new IllegalArgumentException("has more than " + MAX_BYTES + " bytes");
        }
        if (value.chars().anyMatch(c -> Character.isISOControl(c) || c == '\\') || !wellFormed(value)) {
            throw new IllegalArgumentException("has a backslash, a control character or broken Unicode");
        }
        for (String segment : value.split("/", -1)) {
            requireSegment(segment);
        }
    }

    private static void requireSegment(String segment) {
        if (segment.isEmpty()) {
            throw new IllegalArgumentException("has an empty segment or is absolute");
        }
        if (segment.equals(".") || segment.equals("..")) {
            throw new IllegalArgumentException("has a '" + segment + "' segment");
        }
        if (segment.toLowerCase(Locale.ROOT).equals(".git")) {
            throw new IllegalArgumentException("has a '.git' segment");
        }
        if (bytes(segment) > MAX_SEGMENT_BYTES) {
            throw new IllegalArgumentException("has a segment of more than " + MAX_SEGMENT_BYTES + " bytes");
        }
    }

    private static boolean wellFormed(String text) {
        return StandardCharsets.UTF_8.newEncoder().canEncode(text);
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    @Override
    public String toString() {
        return value;
    }
}
