package io.octavo.jobs.blob;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.springframework.util.FileSystemUtils;

/**
 * Objects as files: {@code root/bucket/key}. For a service on one machine, whose bytes are digested once on their way here
 * and not again by a server in between. A file gets its name after its bytes are on the disk, and is never changed then.
 */
final class FolderObjectStore implements ObjectStore {

    private static final int BUFFER = 1 << 18;

    private final Path root;
    private final Path incoming;
    private final long spareBytes;

    /** @param spareBytes stay free for whatever else is on the disk, such as the database */
    FolderObjectStore(Path root, long spareBytes) {
        this.root = root;
        this.incoming = root.resolve(".incoming");
        this.spareBytes = spareBytes;
        try {
            FileSystemUtils.deleteRecursively(incoming); // of a process that ended in the middle of an upload
            Files.createDirectories(incoming);
        } catch (IOException e) {
            throw failure("opening the folder", e);
        }
    }

    @Override
    public void ensureBucketSoon(String bucket) {
        try {
            Files.createDirectories(root.resolve(bucket));
        } catch (IOException e) {
            throw failure("making bucket " + bucket, e);
        }
    }

    @Override
    public ObjectInfo stat(String bucket, String key) {
        try {
            return new ObjectInfo(key, Files.size(file(bucket, key)));
        } catch (IOException e) {
            throw missing(bucket, key, e);
        }
    }

    @Override
    public List<ObjectInfo> list(String bucket, String prefix, int maxCount) {
        return list(bucket, prefix, maxCount, file -> true);
    }

    @Override
    public List<ObjectInfo> listOlder(String bucket, String prefix, Instant moment) {
        return list(bucket, prefix, Integer.MAX_VALUE, file -> modified(file).isBefore(moment));
    }

    private List<ObjectInfo> list(String bucket, String prefix, int maxCount, Predicate<Path> wanted) {
        Path folder = bucket(bucket);
        Path start =
                folder.resolve(prefix.substring(0, prefix.lastIndexOf('/') + 1)).normalize();
        if (!start.startsWith(folder) || !Files.isDirectory(start)) {
            return List.of();
        }
        try (Stream<Path> walk = Files.walk(start)) {
            return walk.filter(Files::isRegularFile)
                    .filter(file -> folder.relativize(file).toString().startsWith(prefix) && wanted.test(file))
                    .map(file -> new ObjectInfo(folder.relativize(file).toString(), size(file)))
                    .sorted(Comparator.comparing(ObjectInfo::key))
                    .limit(maxCount)
                    .toList();
        } catch (IOException | UncheckedIOException e) {
            throw failure("listing " + prefix, e);
        }
    }

    /** One that is deleted meanwhile is of all times and has no bytes. */
    private static Instant modified(Path file) {
        try {
            return Files.getLastModifiedTime(file).toInstant();
        } catch (IOException e) {
            return Instant.MAX;
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            return 0;
        }
    }

    @Override
    public InputStream open(String bucket, String key, long offset, long length) {
        try {
            FileChannel file = FileChannel.open(file(bucket, key), StandardOpenOption.READ);
            return new Part(Channels.newInputStream(file.position(offset)), key, length);
        } catch (IOException e) {
            throw missing(bucket, key, e);
        }
    }

    @Override
    public void put(String bucket, String key, InputStream content, long size) {
        Path target = file(bucket, key);
        Path partial = incoming.resolve(UUID.randomUUID().toString());
        try {
            requireRoom(Math.max(0, size));
            write(content, partial);
            Files.createDirectories(Objects.requireNonNull(target.getParent()));
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            force(target);
        } catch (IOException e) {
            // The message is the system's, in its language; so what is left counts too.
            throw isFull() ? new StorageException.Full(e) : failure("writing " + key, e);
        } finally {
            discard(partial);
        }
    }

    private void requireRoom(long bytes) throws IOException {
        if (Files.getFileStore(root).getUsableSpace() - bytes < spareBytes) {
            throw new StorageException.Full(null);
        }
    }

    private static void write(InputStream content, Path file) throws IOException {
        byte[] buffer = new byte[BUFFER];
        try (FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
                var stream = Channels.newOutputStream(out)) {
            for (int read = read(content, buffer); read >= 0; read = read(content, buffer)) {
                stream.write(buffer, 0, read);
            }
            out.force(true);
        }
    }

    /** Tells a client that went away from a disk that failed. */
    private static int read(InputStream content, byte[] buffer) {
        try {
            return content.read(buffer);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The name itself is on the disk from here on. */
    private static void force(Path file) throws IOException {
        try (FileChannel folder = FileChannel.open(Objects.requireNonNull(file.getParent()), StandardOpenOption.READ)) {
            folder.force(true);
        }
    }

    private static void discard(Path partial) {
        try {
            Files.deleteIfExists(partial);
        } catch (IOException e) {
            throw failure("removing what was left of an upload", e);
        }
    }

    /** A second name of the same bytes. */
    @Override
    public void copy(String bucket, String from, String to, long size) {
        Path target = file(bucket, to);
        try {
            Files.createDirectories(Objects.requireNonNull(target.getParent()));
            Files.createLink(target, file(bucket, from));
            force(target);
        } catch (FileAlreadyExistsException e) {
            // The same content got here first: who copies names the target by what it holds.
        } catch (NoSuchFileException e) {
            throw missing(bucket, from, e);
        } catch (IOException | UnsupportedOperationException e) {
            throw failure("copying to " + to, e);
        }
    }

    @Override
    public void delete(String bucket, String key) {
        try {
            Files.deleteIfExists(file(bucket, key));
        } catch (IOException e) {
            throw failure("deleting " + key, e);
        }
    }

    @Override
    public boolean isFull() {
        try {
            return Files.getFileStore(root).getUsableSpace() < spareBytes;
        } catch (IOException e) {
            throw failure("looking at the disk", e);
        }
    }

    @Override
    public void close() {}

    private Path bucket(String bucket) {
        Path folder = root.resolve(bucket).normalize();
        if (!root.equals(folder.getParent()) || !Files.isDirectory(folder)) {
            throw new StorageException.MissingBucket(bucket, null);
        }
        return folder;
    }

    /** Keys of sources are users' to write: none leads out of its bucket. */
    private Path file(String bucket, String key) {
        Path folder = bucket(bucket);
        try {
            Path file = folder.resolve(key);
            if (file.normalize().equals(file) && file.startsWith(folder) && !file.equals(folder)) {
                return file;
            }
        } catch (InvalidPathException e) {
            throw new StorageException.MissingObject(bucket, key, e);
        }
        throw new StorageException.MissingObject(bucket, key, null);
    }

    private static StorageException missing(String bucket, String key, IOException failure) {
        return failure instanceof NoSuchFileException
                ? new StorageException.MissingObject(bucket, key, failure)
                : failure("reading " + key, failure);
    }

    private static StorageException failure(String doing, Exception failure) {
        String message = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
        return message.contains("no space left") || message.contains("quota exceeded")
                ? new StorageException.Full(failure)
                : new StorageException.Unavailable(doing, failure);
    }

    /** Some bytes of a file. */
    private static final class Part extends BulkFilterStream {

        private final String key;
        private long left;

        Part(InputStream file, String key, long length) {
            super(file);
            this.key = key;
            this.left = length;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            try {
                int read = left == 0 ? -1 : in.read(buffer, offset, (int) Math.min(length, left));
                left -= Math.max(0, read);
                return read;
            } catch (IOException e) {
                throw failure("reading " + key, e);
            }
        }
    }
}
