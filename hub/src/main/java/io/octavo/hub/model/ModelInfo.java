package io.octavo.hub.model;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A repository at a revision.
 *
 * @param id {@code namespace/name}; {@code modelId} is the same
 * @param sha of the revision
 * @param isPrivate whether only some see it; called {@code private}
 * @param usedStorage bytes of the revision's files
 */
public record ModelInfo(
        String id,
        String modelId,
        String author,
        @Nullable String sha,
        @Nullable Instant lastModified,
        Instant createdAt,
        boolean isPrivate,
        boolean gated,
        boolean disabled,
        long downloads,
        long likes,
        List<String> tags,
        @Nullable List<Sibling> siblings,
        long usedStorage) {

    public ModelInfo {
        tags = List.copyOf(tags);
        siblings = siblings == null ? null : List.copyOf(siblings);
    }

    /**
     * A file.
     *
     * @param rfilename its path
     */
    public record Sibling(
            String rfilename,
            @Nullable Long size,
            @Nullable String blobId,
            @Nullable Lfs lfs) {}

    /** What listings of trees call {@code oid} is called {@code sha256} here. */
    public record Lfs(String sha256, long size, int pointerSize) {}
}
