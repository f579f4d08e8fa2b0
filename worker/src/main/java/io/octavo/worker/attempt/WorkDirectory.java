package io.octavo.worker.attempt;

import io.octavo.jobs.queue.Lease;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.util.FileSystemUtils;

/** The folder of one worker process, locked so that a second one cannot share it; leftovers of a dead one are removed. */
@Component
public class WorkDirectory implements AutoCloseable {

    private final Path root;
    private final FileChannel lockFile;

    WorkDirectory(WorkDirectoryProperties properties) {
        this.root = properties.workDirectory().toAbsolutePath();
        try {
            Files.createDirectories(root);
            this.lockFile = lock(root.resolve("lock"));
            FileSystemUtils.deleteRecursively(jobs());
            Files.createDirectories(jobs());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static FileChannel lock(Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        if (!tryLock(channel)) {
            channel.close();
            throw new IllegalStateException("another worker uses the work directory " + file.getParent());
        }
        return channel;
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            @Nullable FileLock lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            return false; // held by this very process
        }
    }

    private Path jobs() {
        return root.resolve("jobs");
    }

    /** Where inputs are kept between jobs. */
    public Path cache() {
        return root.resolve("cache");
    }

    /** A fresh folder for one attempt, removed when it is closed. */
    public JobScratch scratch(Lease lease) {
        return new JobScratch(jobs().resolve(lease.jobId() + "-" + lease.attempt()));
    }

    /** A fresh folder for what is done between jobs, removed when it is closed. */
    public JobScratch scratch(String name) {
        return new JobScratch(jobs().resolve(name));
    }

    @Override
    public void close() throws IOException {
        lockFile.close();
    }
}
