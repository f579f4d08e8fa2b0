package io.octavo.api.identity;

import java.time.Duration;

/** Calls that one caller has left: refilled steadily, never above the burst. Times are of one monotonic clock. */
final class TokenBucket {

    private final double perSecond;
    private final int burst;
    private double tokens;
    private long filledAt;

    TokenBucket(IdentityProperties.Rate rate, long nanoTime) {
        this.perSecond = rate.perSecond();
        this.burst = rate.burst();
        this.tokens = burst;
        this.filledAt = nanoTime;
    }

    /** How long to wait before the next call; zero when this one may pass, and then it is counted. */
    synchronized Duration take(long nanoTime) {
        fill(nanoTime);
        if (tokens >= 1) {
            tokens--;
            return Duration.ZERO;
        }
        return Duration.ofNanos(Math.max(1, (long) Math.ceil((1 - tokens) / perSecond * 1e9)));
    }

    /** Whether nothing would change if this bucket were forgotten. */
    synchronized boolean isFull(long nanoTime) {
        fill(nanoTime);
        return tokens >= burst;
    }

    private void fill(long nanoTime) {
        tokens = Math.min(burst, tokens + Math.max(0, nanoTime - filledAt) / 1e9 * perSecond);
        filledAt = nanoTime;
    }
}
