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
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
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

    /** Loaders that find it look for the adapter's weights beside it. */
    private static final String ADAPTER = "adapter_config.json";

    private static final String IRREGULAR = "is no regular file";

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
        Path file = root.resolve(relative);
        Path real = real(relative)
                .orElseThrow(() -> new QuantizationException(
                        ErrorCode.CHECKPOINT_SHARD_MISSING,
                        "file " + relative
                                + (Files.isSymbolicLink(file)
                                        ? leadsNowhere(file)
                                        : " is missing from the checkpoint")));
        if (!Files.isRegularFile(real)) {
            throw unsafe(relative, IRREGULAR);
        }
        return file;
    }

    /** Behind all links; empty where nothing is. */
    private Optional<Path> real(Path relative) {
        Path real;
        try {
            real = root.resolve(relative).toRealPath();
        } catch (IOException e) {
            return Optional.empty();
        }
        if (!real.startsWith(root) && !followsLinks) {
            throw unsafe(relative, "is a link that leads out of the checkpoint");
        }
        return Optional.of(real);
    }

    private static String leadsNowhere(Path link) {
        try {
            return " is a link to " + Files.readSymbolicLink(link) + ", where no file is";
        } catch (IOException e) {
            return " is a link that cannot be read";
        }
    }

    /** What goes along with the weights unchanged, as sorted relative paths. */
    List<Path> sideFiles() {
        return look().sideFiles();
    }

    /** Files that would go along and cannot be read, and why; for people. */
    List<String> leftOut() {
        return look().leftOut();
    }

    private record Found(List<Path> sideFiles, List<String> leftOut) {}

    private Found look() {
        var found = new ArrayList<Path>();
        var leftOut = new ArrayList<String>();
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
                    if (relative.toString().equals(ADAPTER)) {
                        leftOut.add("file " + ADAPTER + " tells of an adapter, whose weights do not go along;"
                                + " it is left out");
                    } else if (isSideFile(relative)) {
                        Optional<Path> real = real(relative);
                        if (real.filter(Files::isRegularFile).isPresent()) {
                            found.add(relative);
                        } else {
                            String why = real.isPresent() ? " " + IRREGULAR : leadsNowhere(file);
                            leftOut.add("file " + relative + why + "; it is left out");
                        }
                    }
                    return FileVisitResult.CONTINUE;
                }
            };
            Files.walkFileTree(root, visitor);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, root + " cannot be listed: " + e.getMessage(), e);
        }
        found.sort(Comparator.comparing(Path::toString));
        leftOut.sort(Comparator.naturalOrder());
        return new Found(List.copyOf(found), List.copyOf(leftOut));
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
