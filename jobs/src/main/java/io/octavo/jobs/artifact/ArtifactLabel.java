package io.octavo.jobs.artifact;

import io.octavo.engine.label.Execution;
import java.util.List;

/**
 * What an artifact is, computed from its written config.
 *
 * @param text such as {@code W8A8-FP8-dynamic}
 * @param weightBits bits per weight of quantized modules
 * @param executesAs one a generation of GPUs
 * @param warnings what to know before loading it
 */
public record ArtifactLabel(String text, double weightBits, List<Execution> executesAs, List<String> warnings) {

    public ArtifactLabel {
        executesAs = List.copyOf(executesAs);
        warnings = List.copyOf(warnings);
    }
}
