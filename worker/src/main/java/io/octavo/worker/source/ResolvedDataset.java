package io.octavo.worker.source;

import java.nio.file.Path;

/**
 * A file of data on local disk.
 *
 * @param contents its SHA-256
 */
public record ResolvedDataset(Path path, String contents) {}
