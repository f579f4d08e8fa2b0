package io.octavo.engine;

/**
 * A finished file of an artifact.
 *
 * @param path relative to the artifact's folder, with forward slashes
 * @param sha256 lower-case hex
 */
public record OutputFile(String path, long size, String sha256) {}
