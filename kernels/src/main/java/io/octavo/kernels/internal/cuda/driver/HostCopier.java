package io.octavo.kernels.internal.cuda.driver;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Copies within host memory by several threads: one cannot keep up with the bus, least of all through page faults. */
public final class HostCopier implements AutoCloseable {

    /** Less than this is not worth another thread. */
    private static final long PART_BYTES = 4 << 20;

    private final int threads;
    private final ExecutorService others;

    /** @param threads that work on one copy, the caller's included */
    public HostCopier(int threads) {
        this.threads = threads;
        this.others = Executors.newFixedThreadPool(
                Math.max(1, threads - 1),
                Thread.ofPlatform().daemon().name("octavo-copy-", 0).factory());
    }

    void copy(MemorySegment source, MemorySegment target) {
        long bytes = source.byteSize();
        long partBytes = Math.max(PART_BYTES, Math.ceilDiv(bytes, (long) threads));
        List<Future<?>> parts = new ArrayList<>();
        for (long from = partBytes; from < bytes; from += partBytes) {
            long begin = from;
            long size = Math.min(partBytes, bytes - from);
            parts.add(others.submit(() -> MemorySegment.copy(source, begin, target, begin, size)));
        }
        try {
            MemorySegment.copy(source, 0, target, 0, Math.min(partBytes, bytes));
        } finally {
            parts.forEach(HostCopier::await);
        }
    }

    private static void await(Future<?> part) {
        boolean interrupted = false;
        while (true) {
            try {
                part.get();
                break;
            } catch (InterruptedException e) {
                // The memory must stay until the part is done; whoever waits next finds the interrupt.
                interrupted = true;
            } catch (ExecutionException e) {
                throw new IllegalStateException("copying within host memory failed", e.getCause());
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        others.shutdown();
    }
}
