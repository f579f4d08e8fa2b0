package io.octavo.engine.safetensors;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Writes one file whose tensors are known beforehand and whose bytes may come in any order.
 *
 * <p>Several threads may write at a time. The file is complete only after {@link #seal()}; {@link #close()} without it leaves
 * a file that the caller deletes.
 */
public final class SafetensorsWriter implements AutoCloseable {

    private final Path path;
    private final SafetensorsHeader header;
    private final FileChannel channel;
    private final WrittenRanges written = new WrittenRanges();
    private final AtomicLong writtenBytes = new AtomicLong();

    private SafetensorsWriter(Path path, SafetensorsHeader header, FileChannel channel) {
        this.path = path;
        this.header = header;
        this.channel = channel;
    }

    /**
     * Creates the file and writes its header; the file grows as tensors are written.
     *
     * @throws io.octavo.engine.failure.QuantizationException {@code DISK_FULL} or {@code IO_FAILED}
     * @throws IllegalArgumentException if a name occurs twice
     */
    public static SafetensorsWriter create(Path path, List<TensorSpec> tensors) {
        SafetensorsHeader header = SafetensorsHeader.layOut(tensors);
        try {
            FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            var writer = new SafetensorsWriter(path, header, channel);
            writer.writeFully(ByteBuffer.wrap(header.encode()), 0);
            return writer;
        } catch (IOException e) {
            throw DiskFailure.writing(path, e);
        }
    }

    public Path path() {
        return path;
    }

    public SafetensorsHeader header() {
        return header;
    }

    /** Which bytes of the file are there; may be asked by other threads while this is written. */
    public WrittenRanges written() {
        return written;
    }

    /**
     * Writes part of a tensor. Every byte of every tensor must be written exactly once.
     *
     * @param offset first byte, counted from the tensor's begin
     * @param bytes borrowed; its position moves to its limit
     * @throws IllegalArgumentException if the range leaves the tensor
     */
    public void write(String tensor, long offset, ByteBuffer bytes) {
        TensorInfo info = header.tensor(tensor);
        if (offset < 0 || offset > info.byteSize() - bytes.remaining()) {
            throw new IllegalArgumentException("bytes " + offset + " to " + (offset + bytes.remaining()) + " of tensor "
                    + tensor + ", which has " + info.byteSize());
        }
        writtenBytes.addAndGet(bytes.remaining());
        try {
            writeFully(bytes, header.dataOffset() + info.begin() + offset);
        } catch (IOException e) {
            throw DiskFailure.writing(path, e);
        }
    }

    private void writeFully(ByteBuffer bytes, long position) throws IOException {
        long at = position;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
        written.add(position, at);
    }

    /**
     * Forces the file to disk and closes it.
     *
     * @throws IllegalStateException if tensor bytes are missing
     */
    public void seal() {
        if (writtenBytes.get() != header.dataBytes()) {
            throw new IllegalStateException(
                    path.getFileName() + ": " + writtenBytes + " of " + header.dataBytes() + " bytes were written");
        }
        try {
            channel.force(true);
            channel.close();
        } catch (IOException e) {
            throw DiskFailure.writing(path, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw DiskFailure.writing(path, e);
        }
    }
}
