package io.octavo.engine.artifact;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Threads for hashing and comparing; waiting for them keeps asking whether the job was cancelled. */
public final class BackgroundTasks implements AutoCloseable {

    private static final long POLL_MILLIS = 100;

    private final ExecutorService threads;

    /** @param name of the threads, to which a number is added */
    public BackgroundTasks(String name, int count) {
        threads = Executors.newFixedThreadPool(
                count, Thread.ofPlatform().name(name + "-", 0).daemon().factory());
    }

    public <T> Future<T> submit(Callable<T> task) {
        return threads.submit(task);
    }

    /** The task's result, or what it threw. */
    public static <T> T await(Future<T> task, JobMonitor monitor) {
        while (true) {
            monitor.checkpoint();
            try {
                return task.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                // Not yet: ask the monitor again.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new JobCancelledException("interrupted while waiting");
            } catch (ExecutionException e) {
                throw unchecked(e.getCause());
            }
        }
    }

    /** The cause itself if it can be thrown anywhere; an error is thrown at once. */
    public static RuntimeException unchecked(@Nullable Throwable cause) {
        if (cause instanceof Error error) {
            throw error;
        }
        return cause instanceof RuntimeException exception ? exception : new IllegalStateException(cause);
    }

    /** Interrupts what is running and returns once the threads are gone. */
    @Override
    public void close() {
        threads.shutdownNow();
        awaitUninterruptibly(threads);
    }

    public static void awaitUninterruptibly(ExecutorService threads) {
        boolean interrupted = false;
        boolean terminated = false;
        while (!terminated) {
            try {
                terminated = threads.awaitTermination(1, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
