package io.octavo.kernels.device;

import java.lang.foreign.MemorySegment;

/**
 * Host memory that a backend copies to and from at full speed: pinned for a GPU, plain native memory for the CPU.
 * Whoever allocated it closes it, and not before the streams have passed every copy that uses it.
 */
public interface HostMemory extends AutoCloseable {

    /** Zeroed at first; readable and writable by every thread until {@link #close()}. */
    MemorySegment segment();

    /** Idempotent. */
    @Override
    void close();
}
