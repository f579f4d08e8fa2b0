package io.octavo.worker.source;

import java.nio.file.Path;

/**
 * A source on local disk.
 *
 * @param uri with the revision pinned, where the source has revisions
 * @param revision a revision's id, or {@code sha256:} over the list of files
 */
public record ResolvedSource(Path folder, String uri, String revision) {}
