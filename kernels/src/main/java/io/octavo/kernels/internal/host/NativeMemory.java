package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Plain native memory: what the processor computes on anyway. */
final class NativeMemory implements HostMemory {

    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;
    private boolean closed;

    NativeMemory(long bytes, long alignment) {
        try {
            this.segment = arena.allocate(bytes, alignment);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new IllegalStateException(
                    "cannot allocate " + bytes + " bytes of native memory: " + e.getMessage(), e);
        }
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
