package io.octavo.engine.modify;

/** A change of weights before they are rounded, so that rounding costs less. All of them look at data first. */
public sealed interface Modifier permits SmoothQuant {

    /** As job requests spell it, such as {@code smoothquant}. */
    String name();
}
