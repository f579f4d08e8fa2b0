package io.octavo.jobs.lifecycle;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** One thread that does some things again and again. */
public abstract class Clockwork extends Restartable {

    private final String name;

    /** @param name of the thread */
    protected Clockwork(String name) {
        this.name = name;
    }

    /** Says by {@link Rounds#every} what is done; called at each start. */
    protected abstract void wind(Rounds rounds);

    @Override
    protected final Life newLife() {
        return new Rounds();
    }

    /** From a start to a stop. */
    protected final class Rounds implements Life {

        private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
                Thread.ofPlatform().daemon().name(name).factory());

        private Rounds() {}

        /** @param task throws nothing, or it is not done again */
        public void every(Duration pause, Runnable task) {
            every(pause, pause, task);
        }

        /** @param first how long after the start it is done the first time */
        public void every(Duration pause, Duration first, Runnable task) {
            var _ = thread.scheduleWithFixedDelay(task, first.toNanos(), pause.toNanos(), TimeUnit.NANOSECONDS);
        }

        @Override
        public void start() {
            wind(this);
        }

        @Override
        public void stop() {
            thread.shutdownNow();
        }
    }
}
