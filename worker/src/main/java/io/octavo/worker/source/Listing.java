package io.octavo.worker.source;

import java.util.List;
import java.util.Optional;

/**
 * What a source holds.
 *
 * @param uri with the revision pinned, where the source has revisions
 * @param revision where the source has revisions
 */
record Listing(String uri, Optional<String> revision, List<RemoteFile> files) {}
