package io.octavo.api.call;

import org.springframework.context.SmartLifecycle;

/** A component whose calls last, and end when it stops: before the server does, which waits for open requests. */
public abstract class LastingCalls implements SmartLifecycle {

    private volatile boolean running;

    @Override
    public void start() {
        running = true;
    }

    /** Calls notice, and tell their clients. */
    @Override
    public void stop() {
        running = false;
    }

    @Override
    public final boolean isRunning() {
        return running;
    }

    @Override
    public final int getPhase() {
        return Integer.MAX_VALUE;
    }
}
