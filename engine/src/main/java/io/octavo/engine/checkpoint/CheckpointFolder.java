package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.FileVisitor;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The files of a source folder: none may lead outside of it, be it by name or by a symbolic link, unless whoever runs this
 * asked for links to be followed and owns the folder.
 */
final class CheckpointFolder {

    /** Bound where a user names folders of this machine, as the Hub's cache is, whose files are links into another folder. */
    static final ScopedValue<Boolean> FOLLOWS_LINKS = ScopedValue.newInstance();

    /** Belongs to whoever runs this. */
    private static final Path SELF = Path.of("/proc/self");

    /** Weights in whatever form: ours are written anew, others would be stale beside them. */
    private static final Set<String> WEIGHT_ENDINGS =
            Set.of(".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".h5", ".msgpack");

    /** Written anew for the artifact, or describing other weights than those beside it. */
    private static final Set<String> REPLACED = Set.of(ConfigJson.FILE_NAME, "octavo.json");

    private final Path root;
    private final boolean followsLinks;

    CheckpointFolder(Path folder) {
        try {
            this.root = folder.toRealPath();
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_NOT_FOUND, "folder " + folder + " does not exist", e);
        }
        if (!Files.isDirectory(root)) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_NOT_FOUND, folder + " is no folder");
        }
        this.followsLinks = FOLLOWS_LINKS.orElse(false) && isOwned(root);
    }

    private static boolean isOwned(Path folder) {
        try {
            return Files.getOwner(folder).equals(Files.getOwner(SELF));
        } catch (IOException | UnsupportedOperationException e) {
            return false; // Not known, so not to be relied on.
        }
    }

    Path root() {
        return root;
    }

    boolean has(String name) {
        return Files.exists(root.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * The file at a path inside the folder, once it is sure to be a regular file of this folder.
     *
     * @throws QuantizationException {@code CHECKPOINT_FILE_UNSAFE} for links that lead outside and for what is no
     *     regular file, {@code CHECKPOINT_SHARD_MISSING} for what is not there
     */
    Path resolve(Path relative) {
        Path real;
        try {
            real = root.resolve(relative).toRealPath();
        } catch (IOException e) {
            throw new QuantizationException(
                    ErrorCode.CHECKPOINT_SHARD_MISSING,
                    "file " + relative
                            + (has(relative.toString())
                                    ? " is a link to a file that is not there"
                                    : " is missing from the checkpoint"),
                    e);
        }
        if (!real.startsWith(root) && !followsLinks) {
            throw unsafe(relative, "is a link that leads out of the checkpoint");
        }
        if (!Files.isRegularFile(real)) {
            throw unsafe(relative, "is no regular file");
        }
        return root.resolve(relative);
    }

    /** What goes along with the weights unchanged, as sorted relative paths. */
    List<Path> sideFiles() {
        var found = new ArrayList<Path>();
        try {
            FileVisitor<Path> visitor = new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                    return !directory.equals(root) && isHidden(directory)
                            ? FileVisitResult.SKIP_SUBTREE
                            : FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                    Path relative = root.relativize(file);
                    if (isSideFile(relative)) {
                        resolve(relative);
                        found.add(relative);
                    }
                    return FileVisitResult.CONTINUE;
                }
            };
            Files.walkFileTree(root, visitor);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, root + " cannot be listed: " + e.getMessage(), e);
        }
        found.sort(java.util.Comparator.comparing(Path::toString));
        return List.copyOf(found);
    }

    private static boolean isHidden(Path path) {
        return path.getFileName().toString().startsWith(".");
    }

    private static boolean isSideFile(Path relative) {
        String name = relative.getFileName().toString().toLowerCase(Locale.ROOT);
        boolean weights = WEIGHT_ENDINGS.stream().anyMatch(name::endsWith)
                || name.endsWith(".index.json")
                || name.startsWith("consolidated");
        boolean replaced = relative.getNameCount() == 1 && REPLACED.contains(name);
        return !isHidden(relative) && !weights && !replaced;
    }

    private static QuantizationException unsafe(Path relative, String reason) {
        return new QuantizationException(ErrorCode.CHECKPOINT_FILE_UNSAFE, "file " + relative + " " + reason);
    }
}
