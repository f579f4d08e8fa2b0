package io.octavo.engine.artifact;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.DiskFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A hidden folder beside the target that becomes the target by one rename; until then nothing is visible, and closing
 * removes it. What a process that was killed left of one is removed by the next one beside the same target.
 */
public final class StagingFolder implements AutoCloseable {

    /** Of this process, by their locks. Also what keeps its threads from sweeping while another makes one. */
    private static final Map<Path, StagingFolder> LIVE = new HashMap<>();

    private static boolean ended;

    private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path target;
    private final Path parent;
    private final Path folder;
    private final StagingLock lock;

    private StagingFolder(Path target, Path parent, Path folder, StagingLock lock) {
        this.target = target;
        this.parent = parent;
        this.folder = folder;
        this.lock = lock;
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
            Path real = parent.toRealPath(); // locks are known by one name
            String prefix = "." + target.getFileName() + ".staging-";
            synchronized (LIVE) {
                if (ended) {
                    throw new JobCancelledException("the process ends");
                }
                sweep(real, prefix);
                return create(target, real, prefix);
            }
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
    }

    private static StagingFolder create(Path target, Path parent, String prefix) throws IOException {
        while (true) {
            Path folder = parent.resolve(
                    prefix + Integer.toHexString(ThreadLocalRandom.current().nextInt()));
            StagingLock lock = StagingLock.create(lockOf(folder));
            if (lock != null) {
                var made = new StagingFolder(target, parent, folder, lock);
                LIVE.put(lockOf(folder), made);
                try {
                    Files.createDirectory(folder, OWNER_ONLY);
                    return made;
                } catch (IOException e) {
                    made.close();
                    throw e;
                }
            }
        }
    }

    private static Path lockOf(Path folder) {
        return folder.resolveSibling(folder.getFileName() + StagingLock.SUFFIX);
    }

    /** Removes what killed processes left beside a target, but for what only others may remove. */
    private static void sweep(Path parent, String prefix) {
        try (Stream<Path> siblings = Files.list(parent)) {
            siblings.filter(path -> path.getFileName().toString().startsWith(prefix)
                            && path.toString().endsWith(StagingLock.SUFFIX)
                            && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                            && !LIVE.containsKey(path))
                    .forEach(StagingFolder::removeDead);
        } catch (IOException | UncheckedIOException mayNotBeListed) {
            return;
        }
    }

    private static void removeDead(Path file) {
        try (StagingLock dead = StagingLock.ofTheDead(file)) {
            if (dead != null) {
                String name = file.getFileName().toString();
                remove(file.resolveSibling(name.substring(0, name.length() - StagingLock.SUFFIX.length())));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Removes all of this process, whatever its threads do meanwhile, and lets none be made: for when it ends. */
    public static void endAll() {
        List<StagingFolder> all;
        synchronized (LIVE) {
            ended = true;
            all = List.copyOf(LIVE.values());
        }
        all.forEach(StagingFolder::close);
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
            // An artifact is for everyone that the target's folder lets in.
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
    public synchronized void close() {
        try (lock) {
            remove(folder);
        } catch (IOException e) {
            throw DiskFailure.writing(folder, e);
        } finally {
            synchronized (LIVE) {
                LIVE.remove(lockOf(folder));
            }
        }
    }

    /** By a name that nobody knows first, under which nothing is added any more. */
    private static void remove(Path folder) throws IOException {
        Path removed = folder.resolveSibling(folder.getFileName() + ".removed");
        if (Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(folder, removed, StandardCopyOption.ATOMIC_MOVE);
        }
        if (Files.notExists(removed, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        try (Stream<Path> paths = Files.walk(removed)) {
            List<Path> deepestFirst = paths.sorted(Comparator.reverseOrder()).toList();
            for (Path path : deepestFirst) {
                Files.delete(path);
            }
        }
    }
}
