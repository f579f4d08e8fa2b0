package io.octavo.engine.modify;

/** The largest magnitude of every input channel of a Linear. */
@FunctionalInterface
public interface ChannelMagnitudes {

    /** @return {@code [inFeatures]}, finite and at least 0 */
    float[] of(String module);
}
