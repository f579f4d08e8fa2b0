package io.octavo.engine.request;

import java.time.Duration;
import java.util.List;

/**
 * @param promptIds with BOS
 * @param newIds the generated tokens
 * @param text the generated text without the prompt
 */
public record GenerationResult(List<Integer> promptIds, List<Integer> newIds, String text, Duration duration) {

    public GenerationResult {
        promptIds = List.copyOf(promptIds);
        newIds = List.copyOf(newIds);
    }
}
