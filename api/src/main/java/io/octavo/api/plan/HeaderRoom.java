package io.octavo.api.plan;

import io.octavo.jobs.problem.ProblemCode;
import io.octavo.jobs.problem.ProblemException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many bytes of headers are looked at in this process at once: each becomes many times as many in memory, and users
 * write headers as large as they like.
 */
final class HeaderRoom {

    private final int bytes;
    private final Semaphore free;

    HeaderRoom(int bytes) {
        this.bytes = bytes;
        this.free = new Semaphore(bytes, true);
    }

    /** With some tensors of each 50 bytes of header and a kilobyte of plan, a third of the memory that there may be. */
    static HeaderRoom ofThisProcess() {
        return new HeaderRoom(
                Math.toIntExact(Math.min(Integer.MAX_VALUE, Runtime.getRuntime().maxMemory() / 64)));
    }

    /** @param deadline until when to wait for others, by {@link System#nanoTime} */
    Look look(long deadline) {
        return new Look(deadline);
    }

    /** Holds what one look was given until it is closed. */
    final class Look implements AutoCloseable {

        private final long deadline;
        private final AtomicInteger taken = new AtomicInteger();

        private Look(long deadline) {
            this.deadline = deadline;
        }

        /**
         * Called by several threads.
         *
         * @throws ProblemException {@code storage-unavailable}, if there is not so much room, or not in time
         */
        void admit(long more) {
            try {
                if (more > bytes || !free.tryAcquire((int) more, deadline - System.nanoTime(), TimeUnit.NANOSECONDS)) {
                    throw new ProblemException(
                            ProblemCode.STORAGE_UNAVAILABLE,
                            "there is no room to look at " + more + " bytes of headers");
                }
                taken.addAndGet((int) more);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ProblemException(ProblemCode.STORAGE_UNAVAILABLE, "the look at headers was stopped", e);
            }
        }

        @Override
        public void close() {
            free.release(taken.getAndSet(0));
        }
    }
}
