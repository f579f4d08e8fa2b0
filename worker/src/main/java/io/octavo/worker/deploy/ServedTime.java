package io.octavo.worker.deploy;

import io.octavo.engine.serve.ServingHealth;
import java.time.Duration;
import java.util.Optional;

/** How long a model is served yet. Belongs to one thread. */
final class ServedTime {

    static final String TTL = "ttl";
    static final String IDLE = "idle";

    /** How often it is to be looked. */
    static final Duration LOOK = Duration.ofMillis(200);

    private final Optional<Duration> most;
    private final Optional<Duration> mostUnused;
    private final long start = System.nanoTime();
    private long used = start;
    private long tokens;

    /**
     * @param most from now on; empty for ever
     * @param mostUnused how long nobody may call; empty for ever
     */
    ServedTime(Optional<Duration> most, Optional<Duration> mostUnused) {
        this.most = most;
        this.mostUnused = mostUnused;
    }

    /** It is in use while a text is worked on, or if one was since the last look. */
    void look(ServingHealth health) {
        if (health.running() + health.waiting() > 0 || health.promptTokens() != tokens) {
            tokens = health.promptTokens();
            used = System.nanoTime();
        }
    }

    /** Since when nobody called. */
    Duration unused() {
        return Duration.ofNanos(System.nanoTime() - used);
    }

    /** Why it is over, once it is. */
    Optional<String> over() {
        if (most.filter(limit -> System.nanoTime() - start >= limit.toNanos()).isPresent()) {
            return Optional.of(TTL);
        }
        return mostUnused.filter(limit -> unused().compareTo(limit) >= 0).map(limit -> IDLE);
    }
}
