package io.octavo.cli.client;

import java.time.Duration;

/**
 * How often a repeatable call is tried again, and after which pauses: each doubles the one before.
 *
 * @param attempts tries in all, at least 1
 */
public record RetryPolicy(int attempts, Duration firstPause, Duration longestPause) {

    public static final RetryPolicy DEFAULT = new RetryPolicy(5, Duration.ofMillis(250), Duration.ofSeconds(5));

    public RetryPolicy {
        if (attempts < 1) {
            throw new IllegalArgumentException("attempts must be at least 1: " + attempts);
        }
    }

    /**
     * @param failures how many tries have failed so far, at least 1
     */
    public Duration pauseAfter(int failures) {
        Duration pause = firstPause.multipliedBy(1L << Math.min(failures - 1, 20));
        return pause.compareTo(longestPause) < 0 ? pause : longestPause;
    }
}
