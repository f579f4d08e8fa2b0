package io.octavo.engine.safetensors;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One memory-mapped safetensors file, of any size; its header is validated before anything else is believed.
 *
 * <p>Safe for use by several threads. Segments are borrowed: they die with {@link #close()}, which is idempotent.
 */
public final class SafetensorsFile implements AutoCloseable {

    private final Path path;
    private final @Nullable FileChannel channel;
    private final SafetensorsHeader header;
    private final Arena arena;
    private final MemorySegment data;

    private SafetensorsFile(Path path, FileChannel channel, SafetensorsHeader header) throws IOException {
        this.path = path;
        this.channel = channel;
        this.header = header;
        this.arena = Arena.ofShared();
        this.data = channel.map(FileChannel.MapMode.READ_ONLY, header.dataOffset(), header.dataBytes(), arena);
    }

    /**
     * @throws QuantizationException with one of the {@code SAFETENSORS_} codes, {@code CHECKPOINT_NOT_FOUND} or
     *     {@code IO_FAILED}
     */
    public static SafetensorsFile open(Path path) {
        FileChannel channel = null;
        try {
            if (Files.exists(path) && !Files.isRegularFile(path)) {
                throw new QuantizationException(ErrorCode.CHECKPOINT_FILE_UNSAFE, path + " is no regular file");
            }
            channel = FileChannel.open(path, StandardOpenOption.READ);
            var file = new SafetensorsFile(path, channel, readHeader(path, channel));
            channel = null;
            return file;
        } catch (NoSuchFileException e) {
            throw new QuantizationException(ErrorCode.CHECKPOINT_NOT_FOUND, path + " does not exist", e);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, path + " cannot be read: " + e.getMessage(), e);
        } finally {
            closeQuietly(channel);
        }
    }

    private static SafetensorsHeader readHeader(Path path, FileChannel channel) throws IOException {
        return SafetensorsHeaderReader.read(
                path.getFileName().toString(),
                channel.size(),
                (offset, length) -> new ChannelRange(channel, offset, offset + length),
                bytes -> {});
    }

    /** A file of which no more than its header is here: every access to bytes throws. */
    public static SafetensorsFile ofHeader(String name, SafetensorsHeader header) {
        return new SafetensorsFile(Path.of(name), header);
    }

    private SafetensorsFile(Path path, SafetensorsHeader header) {
        this.path = path;
        this.channel = null;
        this.header = header;
        this.arena = Arena.ofShared();
        this.data = MemorySegment.NULL;
    }

    public Path path() {
        return path;
    }

    public SafetensorsHeader header() {
        return header;
    }

    /**
     * The tensor's bytes, mapped read-only; borrowed from this file.
     *
     * @throws IllegalStateException after {@link #close()}
     */
    public MemorySegment segment(TensorInfo tensor) {
        requireData();
        return data.asSlice(tensor.begin(), tensor.byteSize());
    }

    /**
     * Maps part of a tensor on its own, so that a caller that passes over a large file can give its pages back by closing
     * {@code arena} long before the file is closed.
     *
     * @param from first byte, counted from the tensor's begin
     * @param to one past the last byte
     */
    public MemorySegment map(TensorInfo tensor, long from, long to, Arena arena) {
        FileChannel file = requireData();
        Objects.checkFromToIndex(from, to, tensor.byteSize());
        try {
            return file.map(
                    FileChannel.MapMode.READ_ONLY, header.dataOffset() + tensor.begin() + from, to - from, arena);
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, path + " cannot be mapped: " + e.getMessage(), e);
        }
    }

    /**
     * Copies part of a tensor, which takes less of a processor than mapping it: no page is mapped and unmapped.
     *
     * @param from first byte, counted from the tensor's begin
     * @param target native memory that is filled to its end
     */
    public void read(TensorInfo tensor, long from, MemorySegment target) {
        FileChannel file = requireData();
        Objects.checkFromIndexSize(from, target.byteSize(), tensor.byteSize());
        ByteBuffer bytes = target.asByteBuffer();
        long begin = header.dataOffset() + tensor.begin() + from;
        try {
            while (bytes.hasRemaining()) {
                if (file.read(bytes, begin + bytes.position()) < 0) {
                    throw new EOFException("it ends within tensor " + tensor.name());
                }
            }
        } catch (IOException e) {
            throw new QuantizationException(ErrorCode.IO_FAILED, path + " cannot be read: " + e.getMessage(), e);
        }
    }

    private FileChannel requireData() {
        if (!arena.scope().isAlive()) {
            throw new IllegalStateException(path + " is closed");
        }
        if (channel == null) {
            throw new IllegalStateException("only the header of " + path + " was read");
        }
        return channel;
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
            closeQuietly(channel);
        }
    }

    private static void closeQuietly(@Nullable FileChannel channel) {
        if (channel != null) {
            try {
                channel.close();
            } catch (IOException e) {
                throw new QuantizationException(ErrorCode.IO_FAILED, "closing a file failed: " + e.getMessage(), e);
            }
        }
    }

    /** A range of a file as a stream; closing it leaves the channel open. */
    private static final class ChannelRange extends InputStream {

        private final FileChannel channel;
        private final long end;
        private long position;

        ChannelRange(FileChannel channel, long begin, long end) {
            this.channel = channel;
            this.position = begin;
            this.end = end;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (position == end) {
                return -1;
            }
            int limit = (int) Math.min(length, end - position);
            int read = channel.read(ByteBuffer.wrap(target, offset, limit), position);
            position += Math.max(read, 0);
            return read;
        }
    }
}
