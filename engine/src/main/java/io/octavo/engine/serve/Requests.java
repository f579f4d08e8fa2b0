package io.octavo.engine.serve;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Requests that are not over, and what their scheduler waits for when there is nothing to do. Safe for use by several threads. */
final class Requests {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final FairQueue queue;
    private final Set<ActiveRequest> active = new LinkedHashSet<>();
    private long numbered;
    private boolean changed;
    private boolean closing;
    private @Nullable QuantizationException lost;

    Requests(FairQueue queue) {
        this.queue = queue;
    }

    /** @throws QuantizationException {@code queue-full}, or why there are none any more */
    Completion add(CompletionRequest request) {
        lock.lock();
        try {
            if (lost != null) {
                throw new QuantizationException(lost.code(), String.valueOf(lost.getMessage()), lost);
            }
            if (closing) {
                throw stopped();
            }
            var added = new ActiveRequest(request, numbered, this::wake);
            queue.add(added);
            numbered++;
            active.add(added);
            wake();
            return added.stream();
        } finally {
            lock.unlock();
        }
    }

    static QuantizationException stopped() {
        return new QuantizationException(ErrorCode.SERVING_STOPPED, "the model is no longer served");
    }

    private void wake() {
        lock.lock();
        try {
            changed = true;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits until something has changed, if there is nothing to do.
     *
     * @return false once requests are to end
     */
    boolean awaitWork(boolean idle) {
        lock.lock();
        try {
            while (idle && !changed && !closing) {
                work.awaitUninterruptibly();
            }
            changed = false;
            return !closing;
        } finally {
            lock.unlock();
        }
    }

    boolean contains(ActiveRequest request) {
        lock.lock();
        try {
            return active.contains(request);
        } finally {
            lock.unlock();
        }
    }

    void remove(ActiveRequest request) {
        lock.lock();
        try {
            active.remove(request);
        } finally {
            lock.unlock();
        }
    }

    List<ActiveRequest> all() {
        lock.lock();
        try {
            return List.copyOf(active);
        } finally {
            lock.unlock();
        }
    }

    /** No others come, and those that there are are to end. */
    void close() {
        lock.lock();
        try {
            closing = true;
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /** The same for a reason that others are told. */
    void close(QuantizationException reason) {
        lock.lock();
        try {
            closing = true;
            lost = reason;
        } finally {
            lock.unlock();
        }
    }
}
