package io.octavo.worker.run;

import java.time.Duration;

/** Durations as results show them: seconds, to the millisecond. */
final class Seconds {

    private Seconds() {}

    static double of(Duration duration) {
        return duration.toMillis() / 1000.0;
    }

    /** @param nanoTime of {@link System#nanoTime} */
    static double since(long nanoTime) {
        return of(Duration.ofNanos(System.nanoTime() - nanoTime));
    }
}
