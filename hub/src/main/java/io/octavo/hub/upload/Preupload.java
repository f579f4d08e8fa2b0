package io.octavo.hub.upload;

import io.octavo.hub.git.TreeEntry;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Files about to be sent: how each is to come. */
public record Preupload(@Nullable List<File> files) {

    /** @param size bytes */
    public record File(@Nullable String path, long size) {}

    public record Answer(List<Mode> files) {

        public Answer {
            files = List.copyOf(files);
        }
    }

    /**
     * @param uploadMode {@code regular} for a file that comes in the commit, {@code lfs} for one that comes before it
     * @param shouldIgnore never: what a client sends is kept
     * @param oid of what is there at the path, SHA-256 or git's id by its own size
     */
    public record Mode(
            @Nullable String path,
            String uploadMode,
            boolean shouldIgnore,
            @Nullable String oid) {

        public static Mode of(File file, @Nullable TreeEntry there) {
            String mode = TreeEntry.isLarge(file.size()) ? "lfs" : "regular";
            return new Mode(file.path(), mode, false, there == null ? null : there.contentId());
        }
    }
}
