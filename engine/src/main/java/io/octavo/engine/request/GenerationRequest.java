package io.octavo.engine.request;

import java.nio.file.Path;

/**
 * Generation of one text.
 *
 * @param prompt plain text; BOS is put before it, unless it is a user's message
 * @param chat whether the prompt is what a user says, to be answered by the model's chat template
 * @param maxTokens upper limit of new tokens; generation also ends at the model's end-of-sequence tokens
 * @param sampling how its tokens are drawn
 */
public record GenerationRequest(Path source, String prompt, boolean chat, int maxTokens, SamplingOptions sampling) {

    /** A text to go on from. */
    public GenerationRequest(Path source, String prompt, int maxTokens, SamplingOptions sampling) {
        this(source, prompt, false, maxTokens, sampling);
    }

    /** The most likely token, always. */
    public GenerationRequest(Path source, String prompt, int maxTokens) {
        this(source, prompt, maxTokens, SamplingOptions.greedy());
    }
}
