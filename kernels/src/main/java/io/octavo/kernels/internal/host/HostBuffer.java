package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Native memory: allocated here and freed on close, or borrowed from the host and only forgotten on close. */
public final class HostBuffer implements DeviceBuffer {

    private final String owner;
    private final MemorySegment segment;
    private final @Nullable Arena arena;
    private volatile boolean closed;

    private HostBuffer(String owner, MemorySegment segment, @Nullable Arena arena) {
        this.owner = owner;
        this.segment = segment;
        this.arena = arena;
    }

    /** Takes ownership of {@code arena}, from which {@code segment} was allocated. */
    static HostBuffer owning(String owner, MemorySegment segment, Arena arena) {
        return new HostBuffer(owner, segment, arena);
    }

    public static HostBuffer borrowing(String owner, MemorySegment segment) {
        return new HostBuffer(owner, segment, null);
    }

    /** The bytes of {@code matrix}, alive and readable by any thread. */
    public static MemorySegment segmentOf(Matrix matrix) {
        if (!(matrix.buffer() instanceof HostBuffer buffer)) {
            throw new IllegalArgumentException("buffer belongs to another backend: "
                    + matrix.buffer().getClass().getName());
        }
        return buffer.segment().asSlice(matrix.offset(), matrix.bytes());
    }

    private MemorySegment segment() {
        if (closed) {
            throw new IllegalStateException("buffer of " + owner + " is closed");
        }
        if (!segment.scope().isAlive()) {
            throw new IllegalStateException("host memory behind the buffer of " + owner + " was released");
        }
        return segment;
    }

    @Override
    public long bytes() {
        return segment().byteSize();
    }

    @Override
    public void copyFrom(MemorySegment source, long offset, Stream stream) {
        HostStream.require(stream);
        MemorySegment target = segment();
        checkRange(offset, source.byteSize());
        MemorySegment.copy(source, 0, target, offset, source.byteSize());
    }

    @Override
    public void copyTo(MemorySegment target, long offset, Stream stream) {
        HostStream.require(stream);
        MemorySegment source = segment();
        checkRange(offset, target.byteSize());
        MemorySegment.copy(source, offset, target, 0, target.byteSize());
    }

    @Override
    public Optional<MemorySegment> hostView() {
        return Optional.of(segment());
    }

    @Override
    public void fill(byte value, Stream stream) {
        HostStream.require(stream);
        segment().fill(value);
    }

    private void checkRange(long offset, long bytes) {
        if (offset < 0 || bytes > segment.byteSize() - offset) {
            throw new IllegalArgumentException(bytes + " bytes at offset " + offset + " do not fit the "
                    + segment.byteSize() + " bytes of the buffer of " + owner);
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            if (arena != null) {
                arena.close();
            }
        }
    }
}
