package io.octavo.engine.artifact;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.request.HashedFile;
import io.octavo.engine.safetensors.WrittenRanges;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 of whole files, each read once from front to back. */
public final class FileDigest {

    /** Mapped at once, so that no more of a file is resident than that. */
    private static final long WINDOW_BYTES = 1L << 26;

    /** Copied at once: fits the second-level cache. {@link MessageDigest} would copy a buffer off the heap by 4 KB. */
    private static final int PIECE_BYTES = 1 << 18;

    private FileDigest() {}

    /**
     * Stops with an {@code IO_FAILED} when the thread is interrupted.
     *
     * @param relative the path that the result names
     */
    public static HashedFile of(Path file, Path relative) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long size = channel.size();
            return digest(channel, size, relative, position -> size);
        } catch (IOException e) {
            throw failure(relative, e);
        }
    }

    /**
     * Follows a file while it is written: what is complete is hashed at once, whatever comes later. Stops with an {@code
     * IO_FAILED} when the thread is interrupted, which is how whoever writes no further ends it.
     *
     * @param size of the whole file
     */
    static HashedFile following(Path file, long size, WrittenRanges written, Path relative) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return digest(channel, size, relative, written::awaitBeyond);
        } catch (IOException e) {
            throw failure(relative, e);
        }
    }

    /** How results name a path. */
    static String name(Path relative) {
        return relative.toString().replace('\\', '/');
    }

    /** @throws QuantizationException {@code IO_FAILED} if the file has another size than is known of it */
    static void requireSize(Path file, HashedFile known) {
        long size;
        try {
            size = Files.size(file);
        } catch (IOException e) {
            throw failure(Path.of(known.path()), e);
        }
        if (size != known.size()) {
            throw new QuantizationException(
                    ErrorCode.IO_FAILED,
                    "%s has %d bytes, and had %d when it was hashed".formatted(known.path(), size, known.size()));
        }
    }

    /** Up to where a file can be read; beyond the given position. */
    private interface Extent {
        long beyond(long position) throws InterruptedException;
    }

    private static HashedFile digest(FileChannel channel, long size, Path relative, Extent extent) throws IOException {
        MessageDigest digest = sha256();
        byte[] piece = new byte[(int) Math.min(size, PIECE_BYTES)];
        for (long from = 0; from < size; ) {
            long to = Math.min(awaitReadable(extent, from), from + WINDOW_BYTES);
            update(digest, channel, from, to, piece);
            from = to;
        }
        return new HashedFile(name(relative), size, HexFormat.of().formatHex(digest.digest()));
    }

    private static void update(MessageDigest digest, FileChannel channel, long from, long to, byte[] piece)
            throws IOException {
        if (channel.size() < to) {
            throw new EOFException("it has fewer than " + to + " bytes now");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment window = channel.map(FileChannel.MapMode.READ_ONLY, from, to - from, arena);
            for (long at = 0; at < window.byteSize(); at += piece.length) {
                int count = (int) Math.min(piece.length, window.byteSize() - at);
                MemorySegment.copy(window, ValueLayout.JAVA_BYTE, at, piece, 0, count);
                digest.update(piece, 0, count);
            }
        } catch (InternalError e) {
            // What the JVM throws when a mapped file shrinks.
            throw new IOException("it could not be read up to byte " + to, e);
        }
    }

    private static long awaitReadable(Extent extent, long position) throws IOException {
        try {
            if (Thread.interrupted()) {
                throw new InterruptedException();
            }
            return extent.beyond(position);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ClosedByInterruptException();
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private static QuantizationException failure(Path relative, IOException e) {
        return new QuantizationException(ErrorCode.IO_FAILED, relative + " cannot be read: " + e.getMessage(), e);
    }
}
