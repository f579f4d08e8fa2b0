package io.octavo.cli.client;

import io.octavo.wire.RevisionView;
import java.util.Set;

/** What became of a request to commit a list of files. */
public sealed interface CommitOutcome {

    record Committed(RevisionView revision) implements CommitOutcome {}

    /** @param sha256 contents that the service does not have yet; nothing was committed */
    record BlobsMissing(Set<String> sha256) implements CommitOutcome {
        public BlobsMissing {
            sha256 = Set.copyOf(sha256);
        }
    }
}
