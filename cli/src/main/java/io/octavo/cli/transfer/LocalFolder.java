package io.octavo.cli.transfer;

import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** A folder on this machine whose files have the names that a repository gives them. */
final class LocalFolder {

    static final String PART_SUFFIX = ".part";
    private static final int LONGEST_PATH = 1024;
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    private final Path root;

    LocalFolder(Path root) {
        this.root = root.toAbsolutePath().normalize();
    }

    /**
     * Every regular file, by its relative path with {@code /} between folders, in order. Links are followed inside the
     * folder, and in the Hugging Face cache, where {@code snapshots/REVISION} holds links into {@code blobs}; hidden
     * folders ({@code .git}, {@code .cache}) and unfinished downloads are left out.
     *
     * @throws TransferException for a link that leads elsewhere or nowhere
     */
    List<String> files() throws IOException {
        List<String> paths = new ArrayList<>();
        Files.walkFileTree(root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), 32, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                boolean hidden = !folder.equals(root) && nameOf(folder).startsWith(".");
                return hidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                requireInside(file, attributes);
                if (attributes.isRegularFile() && !nameOf(file).endsWith(PART_SUFFIX)) {
                    paths.add(relative(file));
                }
                return FileVisitResult.CONTINUE;
            }
        });
        paths.sort(null);
        return paths;
    }

    private void requireInside(Path file, BasicFileAttributes attributes) throws IOException {
        // Of a link that is followed these are its target's.
        if (attributes.isSymbolicLink()) {
            throw new TransferException(relative(file) + " is a link that leads nowhere; remove or mend it");
        }
        Path real = file.toRealPath();
        Path snapshots = root.getParent();
        boolean cached = snapshots != null
                && snapshots.endsWith("snapshots")
                && real.startsWith(snapshots.toRealPath().resolveSibling("blobs"));
        if (!real.startsWith(root.toRealPath()) && !cached) {
            throw new TransferException(relative(file) + " is a link out of the folder, to " + real
                    + "; copy the file to where the link is, if it is to be pushed");
        }
    }

    /**
     * Refuses a file list that could write outside this folder or over itself.
     *
     * @throws TransferException naming the first entry that is wrong
     */
    void requireSafe(List<RepositoryFile> files) {
        Set<String> paths = new HashSet<>();
        for (RepositoryFile file : files) {
            resolve(file.path());
            if (!paths.add(file.path())) {
                throw refused(file.path(), "it is listed twice");
            }
            if (file.size() < 0 || !SHA256.matcher(file.sha256()).matches()) {
                throw refused(file.path(), "its size or sha256 is malformed");
            }
        }
    }

    /**
     * Where a repository's file belongs. No part of the way there may be a link that leaves the folder.
     *
     * @throws TransferException if the path is absolute, climbs, or could be read differently elsewhere
     */
    Path resolve(String path) {
        if (path.isEmpty() || path.length() > LONGEST_PATH) {
            throw refused(path, "its length is " + path.length());
        }
        if (path.chars().anyMatch(c -> c < 0x20 || c == 0x7f || c == '\\')) {
            throw refused(path, "it holds a control character or a backslash");
        }
        Path at = root;
        for (String part : path.split("/", -1)) {
            if (part.isEmpty() || part.equals(".") || part.equals("..")) {
                throw refused(path, "it is absolute or not in its plain form");
            }
            if (!at.equals(root) && Files.isSymbolicLink(at)) {
                throw refused(path, at + " is a symbolic link");
            }
            at = at.resolve(part);
        }
        return at;
    }

    /** Whether the file is there, as a plain file, with exactly these contents. */
    boolean holds(RepositoryFile file, TransferMonitor monitor) throws IOException {
        Path local = resolve(file.path());
        if (!Files.isRegularFile(local, LinkOption.NOFOLLOW_LINKS) || Files.size(local) != file.size()) {
            return false;
        }
        boolean same = FileHash.sha256(local, monitor::advance).equals(file.sha256());
        if (!same) {
            monitor.advance(-file.size());
        }
        return same;
    }

    private String relative(Path file) {
        return StreamSupport.stream(root.relativize(file).spliterator(), false)
                .map(Path::toString)
                .collect(Collectors.joining("/"));
    }

    private static String nameOf(Path path) {
        Path name = path.getFileName();
        return name == null ? "" : name.toString();
    }

    private static TransferException refused(String path, String why) {
        String shown = path.replaceAll("\\p{Cntrl}", "?");
        return new TransferException("the server names the file '"
                + (shown.length() > 120 ? shown.substring(0, 120) + "..." : shown) + "', which is refused: " + why);
    }
}
