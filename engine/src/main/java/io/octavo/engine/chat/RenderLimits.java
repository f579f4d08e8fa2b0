package io.octavo.engine.chat;

import java.time.Duration;

/**
 * What a template may use up before it is stopped.
 *
 * @param statements of its interpreter
 * @param allocatedBytes that it makes, whether they are collected again or not, and so the most that it can hold
 * @param characters of any string, and so of the result
 * @param time on the clock, looked at every few milliseconds
 */
record RenderLimits(long statements, long allocatedBytes, int characters, Duration time) {

    /** Ten times what the longest of 53 published templates needs, and more. */
    static final RenderLimits DEFAULT = new RenderLimits(200_000_000, 2L << 30, 8 << 20, Duration.ofSeconds(20));
}
