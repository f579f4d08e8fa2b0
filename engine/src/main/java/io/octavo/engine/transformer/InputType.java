package io.octavo.engine.transformer;

/** What a Linear's input is rounded to before it is multiplied; decided by the checkpoint's scheme. */
public enum InputType {
    /** Kept as it comes. */
    UNQUANTIZED,
    /** E4M3 with one scale a token, computed at run time. */
    F8_E4M3_PER_TOKEN
}
