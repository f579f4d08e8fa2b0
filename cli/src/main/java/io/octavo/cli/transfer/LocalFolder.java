package io.octavo.cli.transfer;

import io.octavo.wire.RepositoryFile;
import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** A folder on this machine whose files have the names that a repository gives them. */
final class LocalFolder {

    static final String PART_SUFFIX = ".part";
    private static final int DEEPEST = 32;
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
     * @throws TransferException for a link that leads elsewhere, nowhere or in a circle, for what is neither file nor folder,
     *     and for a name that no repository takes
     */
    List<String> files() throws IOException {
        List<String> paths = new ArrayList<>();
        Files.walkFileTree(root, EnumSet.of(FileVisitOption.FOLLOW_LINKS), DEEPEST, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
                boolean hidden = !folder.equals(root) && nameOf(folder).startsWith(".");
                return hidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                requireInside(file, attributes);
                if (attributes.isOther()) {
                    throw wrong(file, "is a pipe, socket or device, not a file; remove it from the folder");
                }
                if (attributes.isDirectory()) {
                    throw wrong(file, "is the " + DEEPEST + "th folder below each other; no more are pushed");
                }
                if (!nameOf(file).endsWith(PART_SUFFIX)) {
                    FileName.refusal(relative(file)).ifPresent(why -> {
                        throw wrong(file, "has a name that no repository takes: " + why);
                    });
                    paths.add(relative(file));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException failure) throws IOException {
                if (failure instanceof FileSystemLoopException) {
                    throw wrong(file, "is a link to a folder that it lies in; remove it");
                }
                throw failure;
            }
        });
        paths.sort(null);
        FileName.clash(paths).ifPresent(clash -> {
            throw new TransferException(clash + "; rename one of them");
        });
        return paths;
    }

    private TransferException wrong(Path file, String what) {
        return new TransferException("'" + FileName.shown(relative(file)) + "' " + what);
    }

    private void requireInside(Path file, BasicFileAttributes attributes) throws IOException {
        // Of a link that is followed these are its target's.
        if (attributes.isSymbolicLink()) {
            throw wrong(file, "is a link that leads nowhere; remove or mend it");
        }
        Path real = file.toRealPath();
        Path snapshots = root.getParent();
        boolean cached = snapshots != null
                && snapshots.endsWith("snapshots")
                && real.startsWith(snapshots.toRealPath().resolveSibling("blobs"));
        if (!real.startsWith(root.toRealPath()) && !cached) {
            throw wrong(
                    file,
                    "is a link out of the folder, to " + real
                            + "; copy the file to where the link is, if it is to be pushed");
        }
    }

    /**
     * Refuses a file list that could write outside this folder or over itself.
     *
     * @throws TransferException naming the first entry that is wrong
     */
    void requireSafe(List<RepositoryFile> files) {
        for (RepositoryFile file : files) {
            resolve(file.path());
            if (file.size() < 0 || !SHA256.matcher(file.sha256()).matches()) {
                throw refused(file.path(), "its size or sha256 is malformed");
            }
        }
        FileName.clash(files.stream().map(RepositoryFile::path).toList()).ifPresent(clash -> {
            throw new TransferException("the revision cannot be written here: " + clash);
        });
    }

    /**
     * Where a repository's file belongs. No part of the way there may be a link that leaves the folder.
     *
     * @throws TransferException if the path is absolute, climbs, or could be read differently elsewhere
     */
    Path resolve(String path) {
        FileName.refusal(path).ifPresent(why -> {
            throw refused(path, why);
        });
        Path at = root;
        for (String part : path.split("/", -1)) {
            if (!at.equals(root) && Files.isSymbolicLink(at)) {
                throw refused(path, at + " is a symbolic link");
            }
            at = at.resolve(part);
        }
        return at;
    }

    /**
     * Refuses to write over what is there.
     *
     * @param files those that are not there with their contents
     * @param replace whether other files may be replaced; folders never are
     * @throws TransferException naming the first in the way
     */
    void requireFree(List<RepositoryFile> files, boolean replace) {
        for (RepositoryFile file : files) {
            Path target = resolve(file.path());
            for (Path at = target.getParent(); at != null && at.startsWith(root); at = at.getParent()) {
                if (Files.exists(at, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(at)) {
                    throw new TransferException(at + " is a file where the revision has a folder");
                }
            }
            if (Files.isDirectory(target, LinkOption.NOFOLLOW_LINKS)) {
                throw new TransferException(target + " is a folder where the revision has a file");
            }
            if (!replace && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                throw new TransferException(target + " is there with other contents than the revision's;"
                        + " --overwrite replaces it and what else differs");
            }
        }
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
        return new TransferException(
                "the server names the file '" + FileName.shown(path) + "', which is refused: " + why);
    }
}
