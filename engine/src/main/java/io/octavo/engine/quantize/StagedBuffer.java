package io.octavo.engine.quantize;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.HostMemory;
import io.octavo.kernels.device.Stream;
import java.lang.foreign.MemorySegment;
import java.util.Deque;

/**
 * Memory of the backend and where the host reads and writes it.
 *
 * @param host the device's own memory if the host can reach it, which {@code shared} says; the place of a copy otherwise
 */
record StagedBuffer(DeviceBuffer device, MemorySegment host, boolean shared) {

    /**
     * @param releases receives, to be run last first, what frees the memory
     * @throws IllegalStateException if there is too little memory
     */
    static StagedBuffer allocate(Backend backend, long bytes, Deque<Runnable> releases) {
        DeviceBuffer buffer = backend.allocate("quantize", bytes);
        releases.push(buffer::close);
        return buffer.hostView()
                .map(view -> new StagedBuffer(buffer, view, true))
                .orElseGet(() -> {
                    HostMemory memory = backend.allocateHost(bytes);
                    releases.push(memory::close);
                    return new StagedBuffer(buffer, memory.segment(), false);
                });
    }

    /** Brings part of a tensor to the device, once the stream has passed whatever used this before. */
    void load(Numbers numbers, long from, long bytes, Stream stream) {
        numbers.read(from, first(bytes));
        send(bytes, stream);
    }

    /** Makes the first bytes, which the host has written, readable by the device. */
    void send(long bytes, Stream stream) {
        if (!shared) {
            device.copyFrom(first(bytes), 0, stream);
        }
    }

    /** The first bytes, up to date once the stream was synchronized. */
    MemorySegment fetch(long bytes, Stream stream) {
        MemorySegment fetched = first(bytes);
        if (!shared) {
            device.copyTo(fetched, 0, stream);
        }
        return fetched;
    }

    /** The first bytes as the host has them. */
    MemorySegment first(long bytes) {
        return host.asSlice(0, bytes);
    }
}
