package io.octavo.engine.serve;

/**
 * @param maxModelLength most tokens of a prompt and what follows it together
 * @param fullLength what that would be if the cache held it: what the model was trained for, or was asked for
 * @param vocabularySize token ids are below it
 * @param maxSequences texts that are continued at once
 * @param pages of the cache
 * @param pageTokens tokens that a page holds
 */
public record ServingLimits(
        int maxModelLength, int fullLength, int vocabularySize, int maxSequences, int pages, int pageTokens) {}
