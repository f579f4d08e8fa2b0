package io.octavo.engine.serve;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Events between the thread that runs the model and the one that reads. */
final class EventStream implements Completion {

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition arrived = lock.newCondition();
    private final Deque<CompletionEvent> unread = new ArrayDeque<>();
    private final Supplier<Usage> usage;
    private final Runnable changed;
    private @Nullable CompletionEvent last;
    private boolean cancelled;

    /** @param changed is called, by any thread, when there is room again or the reader has cancelled */
    EventStream(Supplier<Usage> usage, Runnable changed) {
        this.usage = usage;
        this.changed = changed;
    }

    /** Never waits; whether there is room is for the caller to ask before it makes events. */
    void add(CompletionEvent event) {
        lock.lock();
        try {
            if (last == null) {
                unread.addLast(event);
                last = event.last() ? event : null;
                arrived.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    boolean hasRoom() {
        lock.lock();
        try {
            return unread.size() < MOST_UNREAD;
        } finally {
            lock.unlock();
        }
    }

    boolean isCancelled() {
        lock.lock();
        try {
            return cancelled;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<CompletionEvent> next(Duration patience) throws InterruptedException {
        long left = patience.toNanos();
        boolean hasRoomAgain;
        CompletionEvent event;
        lock.lockInterruptibly();
        try {
            while (unread.isEmpty()) {
                if (last != null) {
                    return Optional.of(last);
                }
                if (left <= 0) {
                    return Optional.empty();
                }
                left = arrived.awaitNanos(left);
            }
            hasRoomAgain = unread.size() == MOST_UNREAD;
            event = unread.removeFirst();
        } finally {
            lock.unlock();
        }
        if (hasRoomAgain) {
            changed.run();
        }
        return Optional.of(event);
    }

    @Override
    public void cancel() {
        lock.lock();
        try {
            if (last != null) {
                return;
            }
            cancelled = true;
            unread.clear();
            last = new CompletionEvent.End(usage.get());
            arrived.signalAll();
        } finally {
            lock.unlock();
        }
        changed.run();
    }

    @Override
    public Usage usage() {
        return usage.get();
    }
}
