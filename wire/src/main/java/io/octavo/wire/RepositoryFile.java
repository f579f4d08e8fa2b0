package io.octavo.wire;

/**
 * One file of a revision.
 *
 * @param path relative, with {@code /} between folders
 * @param size bytes
 * @param sha256 64 lower-case hex digits
 */
public record RepositoryFile(String path, long size, String sha256) {}
