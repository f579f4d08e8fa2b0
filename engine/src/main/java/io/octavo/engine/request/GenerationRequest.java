package io.octavo.engine.request;

import java.nio.file.Path;

/**
 * Generation of one text.
 *
 * @param prompt plain text; BOS is put before it
 * @param maxTokens upper limit of new tokens; generation also ends at the model's end-of-sequence tokens
 * @param sampling how its tokens are drawn
 */
public record GenerationRequest(Path source, String prompt, int maxTokens, SamplingOptions sampling) {

    /** The most likely token, always. */
    public GenerationRequest(Path source, String prompt, int maxTokens) {
        this(source, prompt, maxTokens, SamplingOptions.greedy());
    }
}
