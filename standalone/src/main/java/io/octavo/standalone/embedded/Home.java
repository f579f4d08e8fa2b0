package io.octavo.standalone.embedded;

import io.octavo.cli.command.FileFailure;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The folder with all data of one service, held by one process at a time and open to its owner alone. The kernel drops the
 * lock of a dead process.
 */
public final class Home implements AutoCloseable {

    /** Read, write and enter, for the owner alone. */
    static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path root;
    private final FileChannel lockFile;

    private Home(Path root, FileChannel lockFile) {
        this.root = root;
        this.lockFile = lockFile;
    }

    /** @throws StandaloneException if another process has it or it cannot be written */
    public static Home lock(Path root) {
        try {
            Files.createDirectories(root, OWNER_ONLY);
            Files.setPosixFilePermissions(root, OWNER_ONLY.value()); // of a folder that was there, too
            FileChannel file = FileChannel.open(
                    root.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (tryLock(file) == null) {
                String owner = read(file);
                file.close();
                throw new StandaloneException("the home " + root + " is in use by another octavo (process " + owner
                        + "); stop it or choose another home with --home [home-in-use]");
            }
            file.truncate(0);
            file.write(utf8(Long.toString(ProcessHandle.current().pid())), 0);
            return new Home(root, file);
        } catch (IOException e) {
            throw unusable(root, e);
        }
    }

    static StandaloneException unusable(Path root, IOException why) {
        return new StandaloneException("the home " + root + " cannot be used: " + FileFailure.line(why), why);
    }

    private static @Nullable FileLock tryLock(FileChannel file) throws IOException {
        try {
            return file.tryLock();
        } catch (OverlappingFileLockException e) {
            return null; // held by this very process
        }
    }

    private static String read(FileChannel file) throws IOException {
        ByteBuffer text = ByteBuffer.allocate(32);
        file.read(text, 0);
        return StandardCharsets.UTF_8.decode(text.flip()).toString();
    }

    private static ByteBuffer utf8(String text) {
        return StandardCharsets.UTF_8.encode(text);
    }

    public Path root() {
        return root;
    }

    /**
     * A folder inside, made if it is missing.
     *
     * @throws StandaloneException if it cannot be
     */
    public Path folder(String name) {
        try {
            return Files.createDirectories(root.resolve(name), OWNER_ONLY);
        } catch (IOException e) {
            throw unusable(root, e);
        }
    }

    @Override
    public void close() {
        try {
            lockFile.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
