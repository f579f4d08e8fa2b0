package io.octavo.engine.artifact;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.DiskFailure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A hidden folder beside the target that becomes the target by one rename; until then nothing is visible, and closing
 * removes it.
 */
public final class StagingFolder implements AutoCloseable {

    private final Path target;
    private final Path parent;
    private final Path folder;

    private StagingFolder(Path target, Path parent, Path folder) {
        this.target = target;
        this.parent = parent;
        this.folder = folder;
    }

    /** @throws QuantizationException {@code TARGET_NOT_EMPTY}, {@code DISK_FULL} or {@code IO_FAILED} */
    public static StagingFolder beside(Path path) {
        Path target = path.toAbsolutePath().normalize();
        Path parent = target.getParent();
        if (parent == null) {
            throw notEmpty(target, null);
        }
        requireEmpty(target);
        try {
            Files.createDirectories(parent);
            String prefix = "." + target.getFileName() + ".staging-";
            return new StagingFolder(target, parent, Files.createTempDirectory(parent, prefix));
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
    }

    private static void requireEmpty(Path target) {
        if (!Files.isDirectory(target)) {
            if (Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
                throw notEmpty(target, null);
            }
            return;
        }
        try (Stream<Path> children = Files.list(target)) {
            if (children.findAny().isPresent()) {
                throw notEmpty(target, null);
            }
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, target + " cannot be listed", e);
        }
    }

    private static QuantizationException notEmpty(Path target, @Nullable Throwable cause) {
        return new QuantizationException(
                ErrorCode.TARGET_NOT_EMPTY, "target " + target + " exists and is no empty folder", cause);
    }

    public Path folder() {
        return folder;
    }

    /** @throws QuantizationException {@code DISK_FULL} if fewer bytes are free where the target will be */
    public void requireSpace(long bytes) {
        try {
            long usable = Files.getFileStore(folder).getUsableSpace();
            if (usable < bytes) {
                throw new QuantizationException(
                        ErrorCode.DISK_FULL, "the artifact needs " + bytes + " bytes, the disk has " + usable);
            }
        } catch (IOException e) {
            throw DiskFailure.writing(folder, e);
        }
    }

    /** Forces every folder to disk (files must be forced already), then makes everything visible at once. */
    public void publish() {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path directory : paths.filter(Files::isDirectory).toList()) {
                force(directory);
            }
            // What createTempDirectory gives only to its owner, an artifact gives to everyone that the target's folder
            // lets in.
            Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
            Files.move(folder, target, StandardCopyOption.ATOMIC_MOVE);
            force(parent);
        } catch (DirectoryNotEmptyException | FileAlreadyExistsException e) {
            throw notEmpty(target, e);
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
    }

    private static void force(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Removes what was not published. */
    @Override
    public void close() {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(folder)) {
            List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw DiskFailure.writing(folder, e);
        }
    }
}
