package io.octavo.wire;

/**
 * What a worker tells of a model that it serves; counters count since it was loaded.
 *
 * @param running texts that are gone on with
 * @param waiting texts that wait for room
 * @param freePages pages of the cache that a new text could take
 * @param pages all of them
 * @param promptTokens tokens of prompts
 * @param cachedTokens of those, tokens that were found in the cache
 * @param completionTokens tokens drawn
 * @param preemptions texts that lost their pages to older ones
 * @param failures requests that ended with a failure
 */
public record DeploymentHealth(
        int running,
        int waiting,
        int freePages,
        int pages,
        long promptTokens,
        long cachedTokens,
        long completionTokens,
        long preemptions,
        long failures) {}
