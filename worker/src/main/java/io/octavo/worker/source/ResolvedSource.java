package io.octavo.worker.source;

import io.octavo.engine.request.HashedFile;
import java.nio.file.Path;
import java.util.List;

/**
 * A source on local disk.
 *
 * @param uri with the revision pinned, where the source has revisions
 * @param revision a revision's id, or {@code sha256:} over the list of files
 * @param contents SHA-256 over the list of files: paths, sizes, hashes
 * @param files what the folder holds
 */
public record ResolvedSource(Path folder, String uri, String revision, String contents, List<HashedFile> files) {

    public ResolvedSource {
        files = List.copyOf(files);
    }
}
