package io.octavo.engine.modify;

import java.util.Map;

/** What is done so that rounding weights costs less. */
public sealed interface Modifier permits ChannelModifier, Gptq {

    /** As job requests spell it, such as {@code smoothquant}. */
    String name();

    /** Whether it learns from what data shows of a model, or from the weights alone. */
    default boolean needsData() {
        return true;
    }

    /** What it was asked to do, by name, for the record: numbers, truths and texts. */
    default Map<String, Object> settings() {
        return Map.of();
    }
}
