package io.octavo.engine.request;

import java.util.List;

/**
 * What was seen when the artifact was read back from disk and compared with the source.
 *
 * @param untouchedTensors tensors found bit-identical to the source
 * @param checks what was looked at besides, in words, whether or not it was found in order
 */
public record VerificationReport(
        boolean passed, int untouchedTensors, List<ModuleError> modules, List<Check> checks, List<String> failures) {

    /**
     * Error of one dequantized module against its source weight, accumulated in f64.
     *
     * @param relativeError {@code ||W' - W|| / ||W||}
     * @param signalToNoiseDb {@code -20 log10(relativeError)}
     */
    public record ModuleError(String module, double relativeError, double signalToNoiseDb) {}

    /** @param name such as {@code scales are finite and positive} */
    public record Check(String name, boolean passed) {}

    public VerificationReport {
        modules = List.copyOf(modules);
        checks = List.copyOf(checks);
        failures = List.copyOf(failures);
    }

    public VerificationReport(boolean passed, int untouchedTensors, List<ModuleError> modules, List<String> failures) {
        this(passed, untouchedTensors, modules, List.of(), failures);
    }
}
