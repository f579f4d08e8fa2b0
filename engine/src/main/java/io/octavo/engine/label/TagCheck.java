package io.octavo.engine.label;

import java.util.List;

/**
 * Whether a tag is true of a checkpoint.
 *
 * @param tag as it was asked
 * @param configured whether the file declares what the tag says
 * @param executedOn GPUs on which it runs as the tag's bits say, whatever the file declares; empty for tags without bits
 * @param explanation one line for people
 */
public record TagCheck(String tag, boolean configured, List<String> executedOn, String explanation) {

    public TagCheck {
        executedOn = List.copyOf(executedOn);
    }
}
