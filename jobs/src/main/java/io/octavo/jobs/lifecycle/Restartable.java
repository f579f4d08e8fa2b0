package io.octavo.jobs.lifecycle;

import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;

/** A component that works between a start and a stop, any number of times; starting or stopping it twice does nothing. */
public abstract class Restartable implements SmartLifecycle {

    /** From one start to the stop after it. Threads and what they share belong here, so that none outlives it. */
    protected interface Life {

        void start();

        /** Waits for what is under way, where that matters. */
        void stop();
    }

    private @Nullable Life life;

    protected abstract Life newLife();

    @Override
    public final synchronized void start() {
        if (life == null) {
            life = newLife();
            life.start();
        }
    }

    @Override
    public final synchronized void stop() {
        if (life != null) {
            life.stop();
            life = null;
        }
    }

    @Override
    public final synchronized boolean isRunning() {
        return life != null;
    }
}
