package io.octavo.engine.serve;

/** Why a text ended. */
public enum FinishReason {
    /** An end-of-sequence token, a stop token or a stop string. */
    STOP,
    /** As many tokens as were asked for, or as fit into the model's length. */
    LENGTH
}
