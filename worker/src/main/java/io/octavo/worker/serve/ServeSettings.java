package io.octavo.worker.serve;

import java.time.Duration;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * How a model is reached.
 *
 * @param name by which calls name it, and answers do
 * @param otherNames by which calls may name it as well
 * @param address to listen at
 * @param port 0 for any free one
 * @param apiKey what calls must show as {@code Authorization: Bearer}; null asks for none
 * @param patience with a client that sends nothing, or reads nothing, where it should
 * @param origins of web pages that may call it, {@code *} for all
 * @param behindService whether calls come by way of the service alone, which says whose each is
 * @param accessLog is told of every call in a line
 */
public record ServeSettings(
        String name,
        Set<String> otherNames,
        String address,
        int port,
        @Nullable String apiKey,
        Duration patience,
        Set<String> origins,
        boolean behindService,
        Consumer<String> accessLog) {

    /** Long enough for slow lines. */
    public static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Tells whose a call is that comes by way of the service. */
    public static final String CLIENT = "X-Octavo-Client";

    public ServeSettings {
        otherNames = Set.copyOf(otherNames);
        origins = Set.copyOf(origins);
    }

    /** One name, no web pages. */
    public ServeSettings(
            String name,
            String address,
            int port,
            @Nullable String apiKey,
            Duration patience,
            Consumer<String> accessLog) {
        this(name, Set.of(), address, port, apiKey, patience, Set.of(), false, accessLog);
    }

    /** The same for calls that the service passes on. */
    public ServeSettings behindService(Set<String> moreNames) {
        return new ServeSettings(name, moreNames, address, port, apiKey, patience, origins, true, accessLog);
    }

    /** The same for calls of these web pages as well. */
    public ServeSettings callableFrom(Set<String> pages) {
        return new ServeSettings(name, otherNames, address, port, apiKey, patience, pages, behindService, accessLog);
    }
}
