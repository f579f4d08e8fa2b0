package io.octavo.engine.quantize;

import io.octavo.engine.ErrorCode;
import io.octavo.engine.JobCancelledException;
import io.octavo.engine.QuantizationException;
import io.octavo.kernels.Backend;
import io.octavo.kernels.DeviceBuffer;
import io.octavo.kernels.HostMemory;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The buffers of a quantizer: {@value #SLOTS} slots of one chunk's results each, so that one is computed while others wait
 * to be written.
 *
 * @param <S> the results of one chunk
 */
final class SlotPool<S> implements AutoCloseable {

    private static final int SLOTS = 3;

    private static final long POLL_MILLIS = 100;

    private final Backend backend;
    private final BlockingQueue<S> free = new ArrayBlockingQueue<>(SLOTS);
    private final Deque<Runnable> releases = new ArrayDeque<>();

    /** Makes one result of a slot. */
    interface Allocator {
        ResultBuffer allocate(long bytes);
    }

    /**
     * @param slot makes one slot
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    SlotPool(Backend backend, Function<Allocator, S> slot) {
        this.backend = backend;
        try {
            for (int i = 0; i < SLOTS; i++) {
                free.add(slot.apply(this::allocate));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory for the buffers of " + SLOTS + " chunks: " + e.getMessage(), e);
        }
    }

    private ResultBuffer allocate(long bytes) {
        DeviceBuffer buffer = backend.allocate("quantize", bytes);
        releases.push(buffer::close);
        return buffer.hostView()
                .map(view -> new ResultBuffer(buffer, view, true))
                .orElseGet(() -> {
                    HostMemory memory = backend.allocateHost(bytes);
                    releases.push(memory::close);
                    return new ResultBuffer(buffer, memory.segment(), false);
                });
    }

    /** Waits for a slot that is not being written; throws what went wrong in {@code queue} meanwhile. */
    S take(WriteQueue queue) {
        try {
            while (true) {
                queue.throwFailure();
                S slot = free.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (slot != null) {
                    return slot;
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while quantizing");
        }
    }

    void release(S slot) {
        free.add(slot);
    }

    /** Call only once nothing is left in the write queue. */
    @Override
    public void close() {
        while (!releases.isEmpty()) {
            releases.pop().run();
        }
    }
}
