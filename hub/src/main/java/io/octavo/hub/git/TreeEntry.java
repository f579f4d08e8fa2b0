package io.octavo.hub.git;

import org.jspecify.annotations.Nullable;

/**
 * A file or folder as listings show it.
 *
 * @param type {@code file} or {@code directory}
 * @param oid git's id: of a large file, its pointer's
 * @param size bytes of the file; 0 for a folder
 * @param lfs absent where git would hold the file itself
 */
public record TreeEntry(
        String type,
        String path,
        String oid,
        long size,
        @Nullable LargeFile lfs) {

    private static final String FILE = "file";
    static final String FOLDER = "directory";

    /** Files of more bytes are large: known by their SHA-256, and sent beside a commit rather than in it. */
    public static final long MOST_REGULAR_BYTES = 10_000_000;

    /**
     * @param oid SHA-256
     * @param pointerSize bytes of the pointer that stands for it
     */
    public record LargeFile(String oid, long size, int pointerSize) {}

    public static boolean isLarge(long size) {
        return size > MOST_REGULAR_BYTES;
    }

    public static TreeEntry large(String path, LfsPointer pointer) {
        var file = new LargeFile(pointer.sha256(), pointer.size(), pointer.pointerSize());
        return new TreeEntry(FILE, path, pointer.gitId(), pointer.size(), file);
    }

    public static TreeEntry regular(String path, String gitId, long size) {
        return new TreeEntry(FILE, path, gitId, size, null);
    }

    static TreeEntry folder(String path, String gitId) {
        return new TreeEntry(FOLDER, path, gitId, 0, null);
    }

    /** By which clients know what they have already. */
    public String contentId() {
        return lfs == null ? oid : lfs.oid();
    }
}
