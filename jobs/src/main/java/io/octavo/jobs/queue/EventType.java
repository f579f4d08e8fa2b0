package io.octavo.jobs.queue;

import java.util.Locale;

enum EventType {
    STATE,
    PHASE,
    PROGRESS,
    METRIC,
    LOG;

    String slug() {
        return name().toLowerCase(Locale.ROOT);
    }
}
