package io.octavo.jobs.lifecycle;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A life of one thread, which goes on until it is told to stop. */
public abstract class LoopingThread implements Restartable.Life {

    private final CountDownLatch stopped = new CountDownLatch(1);
    private final Thread.Builder builder;
    private @Nullable Thread thread;

    /** @param builder says what kind of thread it is, and its name */
    protected LoopingThread(Thread.Builder builder) {
        this.builder = builder;
    }

    /** All that the thread does; returns soon once it {@link #isStopped}. */
    protected abstract void run();

    protected final boolean isStopped() {
        return stopped.getCount() == 0;
    }

    /** Waits, but not beyond the stop. */
    protected final void pause(long millis) {
        try {
            var _ = stopped.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            stopped.countDown();
        }
    }

    @Override
    public final void start() {
        thread = builder.start(this::run);
    }

    @Override
    public final void stop() {
        stopped.countDown();
        try {
            if (thread != null) {
                thread.join();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
