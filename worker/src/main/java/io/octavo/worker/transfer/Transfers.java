package io.octavo.worker.transfer;

import io.octavo.engine.failure.JobCancelledException;
import io.octavo.engine.request.JobMonitor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Moves the files of a job, several at once: one stream seldom fills a network, and its hash one processor. */
@Component
public class Transfers {

    private static final long POLL_MILLIS = 100;

    private final int atOnce;

    public Transfers(TransferProperties properties) {
        this.atOnce = properties.transfers();
    }

    /**
     * Moves one file; called by several threads.
     *
     * @param <F> what names a file
     * @param <R> what is known of it afterwards
     */
    @FunctionalInterface
    public interface Move<F, R> {
        R move(F file, Passage passage) throws IOException;
    }

    /**
     * Returns once all are moved. The first failure ends the others and is thrown, a failed read or write as an
     * {@link UncheckedIOException}; so is a cancellation.
     *
     * @param size of a file in bytes
     * @param monitor hears of progress in bytes, from the calling thread
     * @return in the order of the files
     * @throws JobCancelledException if the monitor asked to stop
     */
    public <F, R> List<R> each(List<F> files, ToLongFunction<F> size, JobMonitor monitor, Move<F, R> move) {
        if (files.isEmpty()) {
            return List.of();
        }
        long total = Math.max(1, files.stream().mapToLong(size).sum());
        var moved = new AtomicLong();
        Passage passage = bytes -> {
            if (Thread.currentThread().isInterrupted()) {
                throw new JobCancelledException("another file failed, or the job was told to stop");
            }
            moved.addAndGet(bytes);
        };
        List<@Nullable R> results = new ArrayList<>(Collections.nCopies(files.size(), null));
        try (ExecutorService threads = threads(Math.min(atOnce, files.size()))) {
            var finished = new ExecutorCompletionService<Integer>(threads);
            for (int i = 0; i < files.size(); i++) {
                int index = i;
                finished.submit(() -> {
                    results.set(index, move.move(files.get(index), passage));
                    return index;
                });
            }
            try {
                for (int left = files.size(); left > 0; ) {
                    monitor.checkpoint();
                    monitor.progress(Math.min(1, (double) moved.get() / total));
                    left -= await(finished) ? 1 : 0;
                }
            } finally {
                threads.shutdownNow();
            }
        }
        monitor.progress(1);
        return List.copyOf(results);
    }

    private static ExecutorService threads(int count) {
        return Executors.newFixedThreadPool(
                count, Thread.ofPlatform().name("octavo-transfer-", 0).daemon().factory());
    }

    /** Waits a while for one to end. */
    private static boolean await(CompletionService<Integer> finished) {
        try {
            Future<Integer> one = finished.poll(POLL_MILLIS, TimeUnit.MILLISECONDS);
            if (one == null) {
                return false;
            }
            one.get();
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new JobCancelledException("interrupted while files were moved");
        } catch (ExecutionException e) {
            throw unchecked(e.getCause());
        }
    }

    private static RuntimeException unchecked(@Nullable Throwable cause) {
        return switch (cause) {
            case RuntimeException exception -> exception;
            case IOException exception -> new UncheckedIOException(exception);
            case Error error -> throw error;
            case null, default -> new IllegalStateException(cause);
        };
    }
}
