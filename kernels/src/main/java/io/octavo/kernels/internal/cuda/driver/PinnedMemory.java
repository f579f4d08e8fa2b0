package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.HostMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;

/** Host memory that the device reads and writes without the processor's help. */
public final class PinnedMemory {

    private final GpuDriver driver;

    /** Size of every block by its first address. */
    private final ConcurrentSkipListMap<Long, Long> blocks = new ConcurrentSkipListMap<>();

    public PinnedMemory(GpuDriver driver) {
        this.driver = driver;
    }

    /** @throws io.octavo.kernels.device.OutOfDeviceMemoryException if the host cannot pin that much */
    public HostMemory allocate(long bytes) {
        long size = Math.max(bytes, 1);
        long address = driver.memory().allocatePinned(size);
        blocks.put(address, size);
        return new Block(address, bytes);
    }

    /** Whether all of {@code segment} lies in one block, so that it can be copied without staging. */
    boolean holds(MemorySegment segment) {
        if (!segment.isNative()) {
            return false;
        }
        Map.Entry<Long, Long> block = blocks.floorEntry(segment.address());
        return block != null && segment.address() + segment.byteSize() <= block.getKey() + block.getValue();
    }

    private final class Block implements HostMemory {

        private final Arena arena = Arena.ofShared();
        private final long address;
        private final MemorySegment segment;
        private boolean closed;

        Block(long address, long bytes) {
            this.address = address;
            this.segment = MemorySegment.ofAddress(address)
                    .reinterpret(bytes, arena, null)
                    .fill((byte) 0);
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
                blocks.remove(address);
                driver.memory().freePinned(address);
            }
        }
    }
}
