package io.octavo.engine.modify;

import java.util.Map;

/** What is done so that rounding weights costs less. All of them look at data first. */
public sealed interface Modifier permits ChannelModifier, Gptq {

    /** As job requests spell it, such as {@code smoothquant}. */
    String name();

    /** What it was asked to do, by name, for the record: numbers, truths and texts. */
    Map<String, Object> settings();
}
