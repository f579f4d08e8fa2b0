package io.octavo.engine.request;

/**
 * What a file of a checkpoint holds.
 *
 * @param path relative to the checkpoint's folder, with forward slashes
 * @param size in bytes
 * @param sha256 lower-case hex
 */
public record HashedFile(String path, long size, String sha256) {}
