package io.octavo.engine.layout.weight;

import io.octavo.engine.scheme.Quantization;
import java.util.Optional;

/**
 * A Linear as it is stored, and how the model runs it.
 *
 * @param module its name, without {@code .weight}
 * @param inputs how inputs are rounded before they are multiplied; empty for weight-only quantization
 * @param inputScale present where {@code inputs} need stored numbers: static scales, or NVFP4's global one
 */
public record QuantizedLinear(
        String module, QuantizedWeight weight, Optional<Quantization> inputs, Optional<InputScale> inputScale) {

    /** The stored scale of inputs that have one. */
    public float storedInputScale() {
        return inputScale
                .map(InputScale::scale)
                .orElseThrow(() -> new IllegalStateException("module " + module + " has no input scale"));
    }
}
