package io.octavo.engine.quantize;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.failure.JobCancelledException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Runs writes one after another in a second thread, so that the disk works while the backend computes.
 *
 * <p>At most {@value #CAPACITY} wait. After a failure the rest are skipped, and the next call throws it.
 */
final class WriteQueue implements AutoCloseable {

    private static final int CAPACITY = 4;
    private static final long POLL_MILLIS = 100;

    private final ExecutorService thread = Executors.newSingleThreadExecutor(
            Thread.ofPlatform().name("octavo-write").daemon().factory());
    private final Semaphore room = new Semaphore(CAPACITY);
    private volatile @Nullable Throwable failure;

    /** Waits for room, then queues the write. */
    void submit(Runnable write) {
        acquire(1);
        thread.execute(() -> {
            try {
                if (failure == null) {
                    write.run();
                }
            } catch (Throwable e) {
                failure = e;
            } finally {
                room.release();
            }
        });
    }

    /** Waits until everything submitted has been written. */
    void drain() {
        acquire(CAPACITY);
        room.release(CAPACITY);
        throwFailure();
    }

    private void acquire(int permits) {
        try {
            do {
                throwFailure();
            } while (!room.tryAcquire(permits, POLL_MILLIS, TimeUnit.MILLISECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while writing");
        }
    }

    /** Throws what went wrong in the writing thread, if anything did. */
    void throwFailure() {
        Throwable cause = failure;
        if (cause != null) {
            throw BackgroundTasks.unchecked(cause);
        }
    }

    /** Interrupts what is running and returns once the thread is gone. */
    @Override
    public void close() {
        thread.shutdownNow();
        BackgroundTasks.awaitUninterruptibly(thread);
    }
}
