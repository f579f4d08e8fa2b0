package io.octavo.engine;

import java.nio.file.Path;

/**
 * Greedy generation.
 *
 * @param prompt plain text; BOS is put before it
 * @param maxTokens upper limit of new tokens; generation also ends at the model's end-of-sequence tokens
 */
public record GenerationRequest(Path source, String prompt, int maxTokens) {}
