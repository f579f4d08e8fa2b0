package io.octavo.kernels.device;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A range of memory that a backend's operations can read and write.
 *
 * <p>Whoever allocated a buffer closes it; everyone else borrows it. A buffer must outlive the stream work that uses
 * it. {@link #close()} is idempotent; every other call on a closed buffer throws {@link IllegalStateException}.
 */
public interface DeviceBuffer extends AutoCloseable {

    long bytes();

    /**
     * Copies host bytes into this buffer, in stream order. {@code source} is borrowed until the stream has passed this
     * call.
     *
     * @throws IllegalArgumentException if the range does not fit
     */
    void copyFrom(MemorySegment source, long offset, Stream stream);

    /**
     * Copies {@code target.byteSize()} bytes from {@code offset} into host memory, in stream order. The bytes are valid
     * after {@link Stream#synchronize()}.
     */
    void copyTo(MemorySegment target, long offset, Stream stream);

    /**
     * The bytes themselves where the host can reach them, which spares a copy; valid until this buffer is closed, and up
     * to date after {@link Stream#synchronize()}. Empty on a device with memory of its own.
     */
    default Optional<MemorySegment> hostView() {
        return Optional.empty();
    }

    /** Sets every byte of the buffer, in stream order. */
    void fill(byte value, Stream stream);

    @Override
    void close();
}
