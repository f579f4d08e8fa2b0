package io.octavo.engine;

import java.util.List;

/**
 * What was seen when the artifact was read back from disk and compared with the source.
 *
 * @param untouchedTensors tensors found bit-identical to the source
 */
public record VerificationReport(
        boolean passed, int untouchedTensors, List<ModuleError> modules, List<String> failures) {

    /**
     * Error of one dequantized module against its source weight, accumulated in f64.
     *
     * @param relativeError {@code ||W' - W|| / ||W||}
     * @param signalToNoiseDb {@code -20 log10(relativeError)}
     */
    public record ModuleError(String module, double relativeError, double signalToNoiseDb) {}

    public VerificationReport {
        modules = List.copyOf(modules);
        failures = List.copyOf(failures);
    }
}
