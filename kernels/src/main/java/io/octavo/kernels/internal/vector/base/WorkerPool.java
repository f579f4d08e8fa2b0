package io.octavo.kernels.internal.vector.base;

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed set of threads that share the pieces of one operation with the thread that submits it.
 *
 * <p>Operations of a model follow each other within microseconds, so an idle worker spins for a moment before it sleeps.
 * Several threads may submit at the same time.
 */
public final class WorkerPool implements AutoCloseable {

    /** One piece of an operation; pieces run in any order and on any thread. */
    public interface Piece {
        void run(int index, Scratch scratch);
    }

    /** About 20 microseconds: longer than the gap between two operations, shorter than a scheduler's time slice. */
    private static final int SPINS = 500;

    private final Thread[] workers;
    private final ConcurrentLinkedQueue<Job> jobs = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Thread> sleeping = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedDeque<Scratch> scratches = new ConcurrentLinkedDeque<>();
    private volatile boolean closed;

    /** @param threads how many work on one operation, the submitting thread included */
    public WorkerPool(int threads) {
        workers = new Thread[threads - 1];
        for (int i = 0; i < workers.length; i++) {
            workers[i] =
                    Thread.ofPlatform().daemon().name("octavo-kernels-" + i).start(this::work);
        }
    }

    public int threads() {
        return workers.length + 1;
    }

    /** Runs the pieces {@code [0, count)} and returns when all are done; rethrows the first failure. */
    public void run(int count, Piece piece) {
        if (closed) {
            throw new IllegalStateException("backend is closed");
        }
        Job job = new Job(piece, count, Thread.currentThread());
        if (count > 1 && workers.length > 0) {
            jobs.add(job);
            wake(Math.min(count - 1, workers.length));
        }
        help(job);
        job.await();
        jobs.remove(job);
        job.rethrow();
    }

    /**
     * Runs {@code piece} over ranges of {@code [0, size)}.
     *
     * @param grain the smallest range worth a thread of its own
     */
    public void runRanges(long size, long grain, RangePiece piece) {
        long pieces = Math.clamp(size / Math.max(grain, 1), 1, 8L * threads());
        long step = Math.ceilDiv(size, pieces);
        if (step > 0) {
            run((int) Math.ceilDiv(size, step), (index, scratch) -> {
                long from = index * step;
                piece.run(from, Math.min(from + step, size), scratch);
            });
        }
    }

    /** A range of an operation's rows or elements. */
    public interface RangePiece {
        void run(long from, long to, Scratch scratch);
    }

    private void help(Job job) {
        if (job.isExhausted()) {
            return;
        }
        Scratch scratch = scratches.pollFirst();
        if (scratch == null) {
            scratch = new Scratch();
        }
        try {
            job.drain(scratch);
        } finally {
            scratches.addFirst(scratch);
        }
    }

    private void wake(int count) {
        for (int i = 0; i < count; i++) {
            Thread worker = sleeping.poll();
            if (worker == null) {
                return;
            }
            LockSupport.unpark(worker);
        }
    }

    private void work() {
        while (!closed) {
            Job job = nextJob();
            if (job != null) {
                help(job);
            }
        }
    }

    private @Nullable Job nextJob() {
        for (int spin = 0; spin < SPINS; spin++) {
            Job job = pollJob();
            if (job != null) {
                return job;
            }
            Thread.onSpinWait();
        }
        Thread self = Thread.currentThread();
        sleeping.add(self);
        // A job that came before this thread was on the list woke nobody: look once more.
        Job job = pollJob();
        if (job == null && !closed) {
            LockSupport.park(this);
        }
        sleeping.remove(self);
        return job;
    }

    private @Nullable Job pollJob() {
        for (Job job : jobs) {
            if (!job.isExhausted()) {
                return job;
            }
        }
        return null;
    }

    /** Ends the threads; work that was submitted still finishes. */
    @Override
    public void close() {
        closed = true;
        for (Thread worker : workers) {
            LockSupport.unpark(worker);
        }
    }

    private static final class Job {

        private final Piece piece;
        private final int count;
        private final Thread owner;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Job(Piece piece, int count, Thread owner) {
            this.piece = piece;
            this.count = count;
            this.owner = owner;
        }

        boolean isExhausted() {
            return next.get() >= count;
        }

        void drain(Scratch scratch) {
            for (int index = next.getAndIncrement(); index < count; index = next.getAndIncrement()) {
                try {
                    if (failure.get() == null) {
                        piece.run(index, scratch);
                    }
                } catch (Throwable e) {
                    failure.compareAndSet(null, e);
                } finally {
                    if (done.incrementAndGet() == count) {
                        LockSupport.unpark(owner);
                    }
                }
            }
        }

        void await() {
            for (int spin = 0; done.get() < count; spin++) {
                if (spin < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
            }
        }

        void rethrow() {
            Throwable thrown = failure.get();
            if (thrown instanceof RuntimeException runtime) {
                throw runtime;
            }
            if (thrown instanceof Error error) {
                throw error;
            }
        }
    }
}
