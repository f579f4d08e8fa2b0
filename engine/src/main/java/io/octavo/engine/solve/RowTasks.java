package io.octavo.engine.solve;

import io.octavo.engine.artifact.BackgroundTasks;
import io.octavo.engine.request.JobMonitor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/** Shares rows out among threads. What is done with a row must not depend on other rows, so results are always the same. */
public final class RowTasks implements AutoCloseable {

    /** Parts a thread, so that none waits long for the last one. */
    private static final int PARTS = 4;

    private final BackgroundTasks tasks;
    private final int threads;
    private final JobMonitor monitor;

    /** Does something with the rows {@code [from, to)}. */
    @FunctionalInterface
    interface Work {
        void run(int from, int to);
    }

    /** @param monitor asked whether to stop while rows are waited for */
    public RowTasks(int threads, JobMonitor monitor) {
        this.tasks = new BackgroundTasks("octavo-solve", threads);
        this.threads = threads;
        this.monitor = monitor;
    }

    /** @param unit rows that stay together */
    void run(int rows, int unit, Work work) {
        int units = Math.ceilDiv(rows, unit);
        int each = Math.multiplyExact(Math.ceilDiv(units, Math.min(units, threads * PARTS)), unit);
        List<Future<Boolean>> parts = new ArrayList<>();
        for (int from = 0; from < rows; from += each) {
            int begin = from;
            parts.add(tasks.submit(() -> {
                work.run(begin, Math.min(begin + each, rows));
                return true;
            }));
        }
        parts.forEach(part -> BackgroundTasks.await(part, monitor));
    }

    void checkpoint() {
        monitor.checkpoint();
    }

    @Override
    public void close() {
        tasks.close();
    }
}
