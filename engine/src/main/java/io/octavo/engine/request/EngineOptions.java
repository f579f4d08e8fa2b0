package io.octavo.engine.request;

/**
 * @param device {@code auto}, {@code cpu}, {@code cuda} or {@code cuda:N}; only {@code auto} falls back
 * @param threads CPU threads for operations, at least 1
 */
public record EngineOptions(String device, int threads) {

    public EngineOptions {
        if (threads < 1) {
            throw new IllegalArgumentException("threads must be at least 1: " + threads);
        }
    }
}
