package io.octavo.engine.artifact;

import io.octavo.engine.checkpoint.Checkpoint;
import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.request.JobMonitor;
import io.octavo.engine.safetensors.DiskFailure;
import io.octavo.engine.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Future;

/**
 * The files of one artifact on their way into a staging folder: each is forced to disk and hashed in the background.
 *
 * <p>For one thread; what it submits runs in others.
 */
public final class ArtifactFiles {

    /** For headers, JSON and what the file system adds. */
    private static final long SPARE_BYTES = 16 << 20;

    private final Checkpoint source;
    private final List<Path> sideFiles;
    private final StagingFolder staging;
    private final BackgroundTasks background;
    private final JobMonitor monitor;
    private final List<Future<HashedFile>> hashes = new ArrayList<>();
    private final List<Future<HashedFile>> shardHashes = new ArrayList<>();

    /**
     * @param sideFiles of the source, relative to its folder, that the artifact keeps
     */
    public ArtifactFiles(
            Checkpoint source,
            List<Path> sideFiles,
            StagingFolder staging,
            BackgroundTasks background,
            JobMonitor monitor) {
        this.source = source;
        this.sideFiles = List.copyOf(sideFiles);
        this.staging = staging;
        this.background = background;
        this.monitor = monitor;
    }

    /**
     * @param tensorBytes of the artifact
     * @throws QuantizationException {@code DISK_FULL}
     */
    public void requireSpace(long tensorBytes) {
        long bytes = tensorBytes + SPARE_BYTES;
        try {
            for (Path file : sideFiles) {
                bytes += Files.size(source.sideFile(file));
            }
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, "a side file cannot be read: " + e.getMessage(), e);
        }
        staging.requireSpace(bytes);
    }

    /** Hashes a shard while it is written. */
    public void follow(SafetensorsWriter writer) {
        Future<HashedFile> hash = background.submit(() -> FileDigest.following(
                writer.path(), writer.header().fileBytes(), writer.written(), relative(writer.path())));
        hashes.add(hash);
        shardHashes.add(hash);
    }

    /** The shards alone, once they are written and hashed. */
    public List<HashedFile> awaitShards() {
        return await(shardHashes, monitor);
    }

    /** Copies every side file byte for byte. */
    public void copySideFiles() {
        for (Path relative : sideFiles) {
            monitor.checkpoint();
            Path target = staging.folder().resolve(relative.toString());
            try {
                Files.createDirectories(target.getParent());
                Files.copy(source.sideFile(relative), target);
            } catch (IOException e) {
                throw DiskFailure.writing(target, e);
            }
            complete(target);
        }
    }

    public void write(String name, String text) {
        write(name, text.getBytes(StandardCharsets.UTF_8));
    }

    public void write(String name, byte[] bytes) {
        Path target = staging.folder().resolve(name);
        try {
            Files.write(target, bytes);
        } catch (IOException e) {
            throw DiskFailure.writing(target, e);
        }
        complete(target);
    }

    private void complete(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        } catch (IOException e) {
            throw DiskFailure.writing(file, e);
        }
        hashes.add(background.submit(() -> FileDigest.of(file, relative(file))));
    }

    private Path relative(Path file) {
        return staging.folder().relativize(file);
    }

    /** Everything that was written, by path, once it is hashed. */
    public List<HashedFile> await() {
        return await(hashes, monitor);
    }

    /** @return by path */
    static List<HashedFile> await(List<Future<HashedFile>> files, JobMonitor monitor) {
        var results = new ArrayList<HashedFile>();
        for (Future<HashedFile> file : files) {
            results.add(BackgroundTasks.await(file, monitor));
        }
        results.sort(Comparator.comparing(HashedFile::path));
        return List.copyOf(results);
    }
}
