package io.octavo.hub.git;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/** Files with the folders that their paths imply, each of which has an id as well. */
public final class FileTree {

    private final NavigableMap<String, TreeEntry> entries = new TreeMap<>();

    private FileTree() {}

    /** @param files of which none is another one's folder */
    public static FileTree of(Collection<TreeEntry> files) {
        var tree = new FileTree();
        tree.add("", files);
        return tree;
    }

    /** Enters what lies below a folder; answers the folder's id. */
    private String add(String folder, Collection<TreeEntry> files) {
        int start = folder.isEmpty() ? 0 : folder.length() + 1;
        List<TreeRow> rows = new ArrayList<>();
        Map<String, List<TreeEntry>> folders = new TreeMap<>();
        for (TreeEntry file : files) {
            int slash = file.path().indexOf('/', start);
            if (slash < 0) {
                rows.add(new TreeRow(file.path().substring(start), file.oid(), false));
                entries.put(file.path(), file);
            } else {
                folders.computeIfAbsent(file.path().substring(0, slash), path -> new ArrayList<>())
                        .add(file);
            }
        }
        folders.forEach((path, below) -> {
            String id = add(path, below);
            rows.add(new TreeRow(path.substring(start), id, true));
            entries.put(path, TreeEntry.folder(path, id));
        });
        return GitId.ofTree(rows);
    }

    /** A file or folder. */
    public Optional<TreeEntry> find(String path) {
        return Optional.ofNullable(entries.get(path));
    }

    public boolean hasFolder(String path) {
        return path.isEmpty()
                || find(path)
                        .filter(found -> found.type().equals(TreeEntry.FOLDER))
                        .isPresent();
    }

    /**
     * By path.
     *
     * @param folder empty for the root
     * @param recursive with what lies in folders of that folder
     * @param after the path where a listing left off; empty before the first
     */
    public List<TreeEntry> list(String folder, boolean recursive, String after, int limit) {
        String prefix = folder.isEmpty() ? "" : folder + "/";
        String start = after.compareTo(prefix) > 0 ? after : prefix;
        return entries.tailMap(start, false).values().stream()
                .takeWhile(entry -> entry.path().startsWith(prefix))
                .filter(entry -> recursive || entry.path().indexOf('/', prefix.length()) < 0)
                .limit(limit)
                .toList();
    }
}
