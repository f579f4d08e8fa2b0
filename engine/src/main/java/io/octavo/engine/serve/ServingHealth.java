package io.octavo.engine.serve;

/**
 * Gauges and counters of a {@link ServedModel}.
 *
 * @param alive whether it takes requests: neither closed, nor is its device lost
 * @param running texts that have pages
 * @param waiting texts that have none yet, or none any more
 * @param freePages pages that a new text could take: empty ones, and those that only keep what might be asked again
 * @param pages all
 * @param steps forward passes so far
 * @param promptTokens tokens of prompts so far, whether computed or found
 * @param cachedTokens of those, tokens whose keys and values were found in the cache
 * @param completionTokens tokens drawn so far
 * @param preemptions texts that lost their pages to older ones, so far
 * @param failures requests that ended with a failure, so far
 */
public record ServingHealth(
        boolean alive,
        int running,
        int waiting,
        int freePages,
        int pages,
        long steps,
        long promptTokens,
        long cachedTokens,
        long completionTokens,
        long preemptions,
        long failures) {

    ServingHealth withMoreWaiting(int more) {
        return new ServingHealth(
                alive,
                running,
                waiting + more,
                freePages,
                pages,
                steps,
                promptTokens,
                cachedTokens,
                completionTokens,
                preemptions,
                failures);
    }
}
