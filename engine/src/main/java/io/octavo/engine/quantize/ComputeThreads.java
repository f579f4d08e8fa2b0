package io.octavo.engine.quantize;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.failure.JobCancelledException;
import io.octavo.kernels.backend.Backend;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Threads that compute side by side, each with its own buffers, stream of the backend and writing thread: one writing thread
 * cannot keep up with a device. A single one is the calling thread itself.
 */
final class ComputeThreads implements AutoCloseable {

    /** A seat costs buffers; more write hardly faster. */
    private static final int MOST = 6;

    /** Threads that one seat keeps busy: one computes, one writes. */
    private static final int THREADS_EACH = 2;

    private static final long TELL_MILLIS = 20;

    private final List<Seat> seats = new ArrayList<>();
    private volatile @Nullable Throwable failure;

    /** A piece of work. */
    interface Task {
        void run(Seat seat);
    }

    /** What one thread computes and writes with. */
    record Seat(ModuleQuantizer quantizer, WriteQueue queue) implements AutoCloseable {

        /** The queue must be empty before the buffers that it writes from go away. */
        @Override
        public void close() {
            queue.close();
            quantizer.close();
        }
    }

    /**
     * @param threads of the machine that there are to use
     * @throws io.octavo.engine.failure.QuantizationException {@code OUT_OF_MEMORY}
     */
    ComputeThreads(Backend backend, QuantizationPlan plan, CalibratedScales calibrated, long chunkBytes, int threads) {
        var absmaxes = new ConcurrentHashMap<List<String>, Float>();
        try {
            for (int i = 0; i < count(threads); i++) {
                var quantizer = new ModuleQuantizer(backend, plan, calibrated, absmaxes, chunkBytes);
                seats.add(new Seat(quantizer, new WriteQueue()));
            }
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** @param threads of the machine that there are to use */
    static int count(int threads) {
        return Math.clamp(threads / THREADS_EACH, 1, MOST);
    }

    int count() {
        return seats.size();
    }

    /**
     * Runs all tasks, begun in their order, and returns once everything is written. Throws the first failure.
     *
     * @param tasks asked by one thread at a time
     * @param tell called by this thread, after every task or every now and then; may throw
     */
    void run(Iterator<Task> tasks, Runnable tell) {
        if (seats.size() > 1) {
            runBeside(tasks, tell);
            return;
        }
        Seat seat = seats.getFirst();
        while (tasks.hasNext()) {
            tasks.next().run(seat);
            tell.run();
        }
        seat.queue.drain();
    }

    private void runBeside(Iterator<Task> tasks, Runnable tell) {
        var running = new CountDownLatch(seats.size());
        ExecutorService threads = Executors.newFixedThreadPool(
                seats.size(),
                Thread.ofPlatform().daemon().name("octavo-quantize-", 0).factory());
        try {
            for (Seat seat : seats) {
                threads.execute(() -> {
                    work(seat, tasks);
                    running.countDown();
                });
            }
            while (!running.await(TELL_MILLIS, TimeUnit.MILLISECONDS)) {
                tell.run();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while quantizing");
        } finally {
            threads.shutdownNow();
            BackgroundTasks.awaitUninterruptibly(threads);
        }
        throwFailure();
        tell.run();
    }

    private void work(Seat seat, Iterator<Task> tasks) {
        try {
            for (Task task = next(tasks); task != null; task = next(tasks)) {
                throwFailure();
                task.run(seat);
            }
            seat.queue.drain();
        } catch (Throwable e) {
            if (failure == null) {
                failure = e;
            }
        }
    }

    private static @Nullable Task next(Iterator<Task> tasks) {
        synchronized (tasks) {
            return tasks.hasNext() ? tasks.next() : null;
        }
    }

    private void throwFailure() {
        Throwable cause = failure;
        if (cause != null) {
            throw BackgroundTasks.unchecked(cause);
        }
    }

    @Override
    public void close() {
        seats.forEach(Seat::close);
    }
}
