package io.octavo.worker.source;

import io.octavo.jobs.blob.BlobId;
import io.octavo.jobs.blob.Sha256Stream;
import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import io.octavo.jobs.source.SourceFile;
import io.octavo.jobs.worker.WorkerDisk;
import io.octavo.worker.attempt.WorkDirectory;
import io.octavo.worker.attempt.WorkDirectoryProperties;
import io.octavo.worker.transfer.Passage;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.springframework.stereotype.Component;
import org.springframework.util.FileSystemUtils;

/**
 * Inputs by their SHA-256. A file gets its name only after its bytes were hashed, so what is found here is whole. Jobs
 * get hard links, so removing a file from the cache never takes it from a job.
 *
 * <p>For any number of threads: what decides about room and links goes one by one, bytes come at once.
 */
@Component
class InputCache {

    private static final long SPARE_BYTES = 64L << 20;
    private static final int BUFFER = 1 << 16;

    private final Path blobs;
    private final Path incoming;
    private final long maxBytes;

    /** On their way here; guarded by this. */
    private final Set<Coming> coming = new HashSet<>();

    InputCache(WorkDirectory directory, WorkDirectoryProperties properties) {
        this.blobs = directory.cache().resolve("sha256");
        this.incoming = directory.cache().resolve("incoming");
        this.maxBytes = properties.cacheSize().toBytes();
        try {
            FileSystemUtils.deleteRecursively(incoming);
            Files.createDirectories(blobs);
            Files.createDirectories(incoming);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Puts a file at {@code target}, from here if it is here.
     *
     * @return what it holds
     */
    BlobId materialize(SourceFile file, Path target, Passage passage) {
        try {
            Optional<BlobId> cached = file.known().filter(id -> linkCached(id, target));
            if (cached.isPresent()) {
                passage.passed(file.size());
                return cached.get();
            }
            return fetch(file, target, passage);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whether it was here. */
    private synchronized boolean linkCached(BlobId id, Path target) {
        try {
            boolean isHere = has(id);
            if (isHere) {
                link(id, target);
            }
            return isHere;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Refuses early what has no room here, whatever is removed for it.
     *
     * @param files that will be brought here
     * @param more bytes that the job writes beside them
     * @throws ProblemException {@code disk-full}
     */
    void requireRoom(List<SourceFile> files, long more) {
        try {
            Set<Path> kept = new HashSet<>();
            long needed = more + SPARE_BYTES;
            for (SourceFile file : files) {
                Optional<BlobId> cached = file.known().filter(this::has);
                cached.ifPresent(id -> kept.add(place(id)));
                needed += cached.isPresent() ? 0 : file.size();
            }
            long available = usable();
            for (Cached file : cached()) {
                available += kept.contains(file.path()) ? 0 : file.size();
            }
            if (needed > available) {
                throw new ProblemException(
                        ProblemCode.DISK_FULL,
                        "the job needs " + needed + " bytes of the worker's disk, which can make room for "
                                + available);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The disk as a job could have it, whose own files may be among those that are here. */
    WorkerDisk disk() {
        try {
            long free = usable() + cached().stream().mapToLong(Cached::size).sum();
            long total = Files.getFileStore(incoming).getTotalSpace();
            return new WorkerDisk(total - SPARE_BYTES, Math.max(0, free - SPARE_BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean has(BlobId id) {
        try {
            return Files.size(place(id)) == id.size();
        } catch (IOException e) {
            return false;
        }
    }

    private BlobId fetch(SourceFile file, Path target, Passage passage) throws IOException {
        Coming arrival = admit(file.size());
        Path partial = incoming.resolve(UUID.randomUUID().toString());
        try (Sha256Stream content = new Sha256Stream(file.open())) {
            BlobId id = receive(file, content, partial, bytes -> {
                arrival.arrived.addAndGet(bytes);
                passage.passed(bytes);
            });
            keep(partial, id, target);
            return id;
        } finally {
            Files.deleteIfExists(partial);
            leave(arrival);
        }
    }

    private synchronized Coming admit(long bytes) throws IOException {
        makeRoom(bytes);
        var arrival = new Coming(bytes);
        coming.add(arrival);
        return arrival;
    }

    private synchronized void leave(Coming arrival) {
        coming.remove(arrival);
    }

    /** Nothing can remove it from here before the job has it. */
    private synchronized void keep(Path partial, BlobId id, Path target) throws IOException {
        Files.createDirectories(place(id).getParent());
        Files.move(partial, place(id), StandardCopyOption.ATOMIC_MOVE);
        link(id, target);
    }

    private static BlobId receive(SourceFile file, Sha256Stream content, Path partial, Passage passage)
            throws IOException {
        try (OutputStream out = Files.newOutputStream(partial)) {
            byte[] buffer = new byte[BUFFER];
            for (int read = content.read(buffer); read >= 0; read = content.read(buffer)) {
                out.write(buffer, 0, read);
                passage.passed(read);
            }
        }
        BlobId actual = content.result();
        if (actual.size() != file.size()) {
            throw new ProblemException(
                    ProblemCode.STORAGE_UNAVAILABLE,
                    file.path() + " came with " + actual.size() + " bytes, expected " + file.size());
        }
        if (file.known().isPresent() && !file.known().get().equals(actual)) {
            throw new ProblemException(
                    ProblemCode.BLOB_CORRUPT,
                    file.path() + " came with SHA-256 " + actual.sha256() + ", expected "
                            + file.known().get().sha256());
        }
        return actual;
    }

    private void link(BlobId id, Path target) throws IOException {
        Files.createDirectories(target.getParent());
        try {
            Files.createLink(target, place(id));
        } catch (FileSystemException | UnsupportedOperationException e) {
            Files.copy(place(id), target); // file systems without links
        }
        Files.setLastModifiedTime(place(id), FileTime.from(Instant.now()));
    }

    private Path place(BlobId id) {
        return blobs.resolve(id.sha256().substring(0, 2)).resolve(id.sha256());
    }

    /** Removes what was used longest ago until the new file fits under the limit and on the disk, with those on their way. */
    private void makeRoom(long bytes) throws IOException {
        List<Cached> cached = cached();
        long total = coming.stream().mapToLong(Coming::size).sum()
                + cached.stream().mapToLong(Cached::size).sum();
        long missing = coming.stream().mapToLong(Coming::missing).sum();
        for (Cached file : cached) {
            if (total + bytes <= maxBytes && usable() >= missing + bytes + SPARE_BYTES) {
                break;
            }
            Files.deleteIfExists(file.path());
            total -= file.size();
        }
        if (usable() < missing + bytes + SPARE_BYTES) {
            throw new ProblemException(
                    ProblemCode.DISK_FULL, "the worker has no room for an input of " + bytes + " bytes");
        }
    }

    private long usable() throws IOException {
        return Files.getFileStore(incoming).getUsableSpace();
    }

    private List<Cached> cached() throws IOException {
        try (Stream<Path> files = Files.walk(blobs)) {
            return files.filter(Files::isRegularFile)
                    .map(Cached::of)
                    .sorted(Comparator.comparing(Cached::used))
                    .toList();
        }
    }

    /** A file on its way, of which some is on the disk. Equal to itself alone. */
    private static final class Coming {

        private final long size;
        private final AtomicLong arrived = new AtomicLong();

        Coming(long size) {
            this.size = size;
        }

        long size() {
            return size;
        }

        long missing() {
            return size - arrived.get();
        }
    }

    private record Cached(Path path, long size, FileTime used) {
        static Cached of(Path path) {
            try {
                return new Cached(path, Files.size(path), Files.getLastModifiedTime(path));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
