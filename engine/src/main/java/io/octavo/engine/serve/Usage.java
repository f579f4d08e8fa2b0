package io.octavo.engine.serve;

/**
 * @param promptTokens of the prompt, counted once whatever the number of choices
 * @param cachedTokens of those, tokens that were found in the cache when the first choice began
 * @param completionTokens of all choices, those that ended a text included
 */
public record Usage(int promptTokens, int cachedTokens, int completionTokens) {}
