package io.octavo.cli.transfer;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Runs one action for each item, a few at a time. */
final class Parallel {

    @FunctionalInterface
    interface Action<T, R> {
        R apply(T item) throws IOException, InterruptedException;
    }

    private Parallel() {}

    /**
     * The results in the items' order. The first failure stops what has not begun, interrupts what runs, and is thrown.
     */
    static <T, R> List<R> map(List<T> items, int width, Action<T, R> action) throws IOException, InterruptedException {
        ExecutorService pool = Executors.newFixedThreadPool(width);
        try {
            List<Future<R>> futures = new ArrayList<>();
            for (T item : items) {
                futures.add(pool.submit(() -> action.apply(item)));
            }
            List<R> results = new ArrayList<>();
            for (Future<R> future : futures) {
                results.add(future.get());
            }
            return results;
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof IOException failure) {
                throw failure;
            }
            if (cause instanceof InterruptedException interrupted) {
                throw interrupted;
            }
            if (cause instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(cause);
        } finally {
            pool.shutdownNow();
            pool.close();
        }
    }
}
