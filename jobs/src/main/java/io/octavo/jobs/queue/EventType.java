package io.octavo.jobs.queue;

import java.util.Locale;

enum EventType {
    STATE,
    PHASE,
    PROGRESS,
    METRIC,
    LOG,
    STEP;

    String slug() {
        return name().toLowerCase(Locale.ROOT);
    }
}
