package io.octavo.hub.model;

import java.util.List;

/** What names revisions of a repository. */
public record Refs(List<Ref> branches, List<Ref> tags, List<Ref> converts, List<Ref> pullRequests) {

    public Refs {
        branches = List.copyOf(branches);
        tags = List.copyOf(tags);
        converts = List.copyOf(converts);
        pullRequests = List.copyOf(pullRequests);
    }

    /** Here, nothing is converted or proposed. */
    public Refs(List<Ref> branches, List<Ref> tags) {
        this(branches, tags, List.of(), List.of());
    }

    /** @param ref such as {@code refs/heads/main} */
    public record Ref(String name, String ref, String targetCommit) {

        public static Ref branch(String name, String revision) {
            return new Ref(name, "refs/heads/" + name, revision);
        }

        public static Ref tag(String name, String revision) {
            return new Ref(name, "refs/tags/" + name, revision);
        }
    }
}
