package io.octavo.engine.transformer.weight;

import io.octavo.engine.checkpoint.Tensor;
import io.octavo.engine.layout.weight.QuantizedLinear;
import java.util.Map;
import java.util.Optional;

/**
 * Weights in place of those of a checkpoint: of the same shapes, and alive as long as what is read with them.
 *
 * @param tensors by name
 * @param linears by module
 */
public record ChangedWeights(Map<String, Tensor> tensors, Map<String, QuantizedLinear> linears) {

    public ChangedWeights {
        tensors = Map.copyOf(tensors);
        linears = Map.copyOf(linears);
    }

    /** Everything is as it is stored. */
    public static ChangedWeights none() {
        return new ChangedWeights(Map.of(), Map.of());
    }

    Optional<QuantizedLinear> linear(String module) {
        return Optional.ofNullable(linears.get(module));
    }
}
