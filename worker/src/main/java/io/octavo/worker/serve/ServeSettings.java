package io.octavo.worker.serve;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a model is reached.
 *
 * @param name by which calls name it
 * @param address to listen at
 * @param port 0 for any free one
 * @param apiKey what calls must show as {@code Authorization: Bearer}; null asks for none
 * @param patience with a client that sends nothing, or reads nothing, where it should
 * @param accessLog is told of every call in a line
 */
public record ServeSettings(
        String name, String address, int port, @Nullable String apiKey, Duration patience, Consumer<String> accessLog) {

    /** Long enough for slow lines. */
    public static final Duration PATIENCE = Duration.ofSeconds(20);
}
