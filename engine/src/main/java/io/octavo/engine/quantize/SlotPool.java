package io.octavo.engine.quantize;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.kernels.backend.Backend;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * The buffers of a quantizer: {@value #SLOTS} slots of one chunk's results each, so that one is computed while others wait
 * to be written.
 * Beside them lies one buffer for source numbers.
 *
 * @param <S> the results of one chunk
 */
final class SlotPool<S> implements AutoCloseable {

    static final int SLOTS = 3;

    private static final long POLL_MILLIS = 100;

    private final BlockingQueue<S> free = new ArrayBlockingQueue<>(SLOTS);
    private final Deque<Runnable> releases = new ArrayDeque<>();
    private final StagedBuffer source;

    /** Makes one result of a slot. */
    interface Allocator {
        StagedBuffer allocate(long bytes);
    }

    /**
     * @param sourceBytes of one chunk
     * @param slot makes one slot
     * @throws QuantizationException {@code OUT_OF_MEMORY}
     */
    SlotPool(Backend backend, long sourceBytes, Function<Allocator, S> slot) {
        try {
            source = StagedBuffer.allocate(backend, sourceBytes, releases);
            for (int i = 0; i < SLOTS; i++) {
                free.add(slot.apply(bytes -> StagedBuffer.allocate(backend, bytes, releases)));
            }
        } catch (IllegalStateException | OutOfMemoryError e) {
            close();
            throw new QuantizationException(
                    ErrorCode.OUT_OF_MEMORY, "no memory for the buffers of " + SLOTS + " chunks: " + e.getMessage(), e);
        }
    }

    /** For the numbers of one chunk at a time. */
    StagedBuffer source() {
        return source;
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
