package io.octavo.kernels.internal.host;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.backend.Operations;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The processor as a device. Memory is native, so that it does not count against the Java heap. */
public final class HostBackend implements Backend {

    /** A cache line: no two buffers share one, and wide loads do not cross one at the start of a buffer. */
    private static final long ALIGNMENT_BYTES = 64;

    private final String description;
    private final Operations operations;
    private final Operations invariant;
    private final Runnable release;
    private final @Nullable SpillFolder spill;

    /**
     * @param operations whose rows do not depend on each other
     * @param release frees what the operations hold, such as threads; idempotent
     */
    public HostBackend(String description, Operations operations, Runnable release) {
        this(description, operations, operations, release);
    }

    /** @param invariant the operations of {@link #batchInvariant} */
    public HostBackend(String description, Operations operations, Operations invariant, Runnable release) {
        this(description, operations, invariant, release, null);
    }

    private HostBackend(
            String description,
            Operations operations,
            Operations invariant,
            Runnable release,
            @Nullable SpillFolder spill) {
        this.description = description;
        this.operations = operations;
        this.invariant = invariant;
        this.release = release;
        this.spill = spill;
    }

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String description() {
        return description;
    }

    @Override
    public DeviceBuffer allocate(String owner, long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException(owner + ": negative size " + bytes);
        }
        if (spill != null && bytes >= spill.fromBytes()) {
            return spill.allocate(owner, bytes);
        }
        Arena arena = Arena.ofShared();
        try {
            return HostBuffer.owning(owner, arena.allocate(bytes, ALIGNMENT_BYTES), arena);
        } catch (OutOfMemoryError e) {
            arena.close();
            throw new IllegalStateException(
                    owner + ": cannot allocate " + bytes + " bytes of native memory: " + e.getMessage()
                            + " (the limit is -XX:MaxDirectMemorySize, by default that of the Java heap)",
                    e);
        }
    }

    @Override
    public DeviceBuffer place(String owner, MemorySegment host, Stream stream) {
        HostStream.require(stream);
        if (host.isNative()) {
            return HostBuffer.borrowing(owner, host);
        }
        // Vector loads address native memory only, and a heap array may be moved at any time.
        DeviceBuffer copy = allocate(owner, host.byteSize());
        copy.copyFrom(host, 0, stream);
        return copy;
    }

    @Override
    public HostMemory allocateHost(long bytes) {
        return new NativeMemory(bytes, ALIGNMENT_BYTES);
    }

    @Override
    public DType productInput() {
        return DType.F32;
    }

    @Override
    public boolean readsFewerBitsFaster() {
        return false;
    }

    @Override
    public Stream newStream() {
        return new HostStream();
    }

    @Override
    public Operations operations() {
        return operations;
    }

    @Override
    public Backend batchInvariant() {
        return new HostBackend(description, invariant, invariant, () -> {}, spill);
    }

    @Override
    public Backend spilling(Path folder, long fromBytes) {
        return new HostBackend(description, operations, invariant, () -> {}, new SpillFolder(folder, fromBytes));
    }

    @Override
    public void close() {
        release.run();
    }
}
