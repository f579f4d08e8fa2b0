package io.octavo.engine.artifact;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * An empty file beside a staging folder, made before it, removed after it, and locked while a process uses it. The kernel
 * drops the lock of a dead process: one that can be had tells of a folder that nobody finishes. A process must not try a
 * file that it holds itself, since closing the second channel drops its lock.
 */
final class StagingLock implements AutoCloseable {

    static final String SUFFIX = ".lock";

    private final Path file;
    private final FileChannel channel;

    private StagingLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** Null where the file is there already, or another process swept it away before it was locked. */
    static @Nullable StagingLock create(Path file) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException taken) {
            return null;
        }
        try {
            if (channel.tryLock() == null || Files.notExists(file)) {
                channel.close();
                return null;
            }
        } catch (IOException unsupported) {
            Files.deleteIfExists(file); // this file system has no locks: nobody may take ours for a dead process's
        }
        return new StagingLock(file, channel);
    }

    /** Null where its process lives, or has removed it. */
    static @Nullable StagingLock ofTheDead(Path file) throws IOException {
        FileChannel channel;
        try {
            channel = FileChannel.open(file, StandardOpenOption.WRITE);
        } catch (NoSuchFileException removed) {
            return null;
        }
        if (channel.tryLock() == null) {
            channel.close();
            return null;
        }
        return new StagingLock(file, channel);
    }

    @Override
    public void close() throws IOException {
        try (channel) {
            Files.deleteIfExists(file);
        }
    }
}
