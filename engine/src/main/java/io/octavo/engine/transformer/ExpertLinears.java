package io.octavo.engine.transformer;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import java.util.List;

/**
 * The same Linear of every expert of a layer.
 *
 * @param modules names in the checkpoint; observers are shown the inputs of all experts for each
 */
record ExpertLinears(List<String> modules, List<ScaledMatrix> weights, InputRounding inputRounding) {

    ExpertLinears {
        modules = List.copyOf(modules);
        weights = List.copyOf(weights);
    }

    /**
     * @param what names the Linears in messages
     * @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} unless all round their inputs alike and have no bias
     */
    static ExpertLinears of(String what, List<Linear> experts) {
        InputRounding inputRounding = experts.getFirst().inputRounding();
        for (Linear expert : experts) {
            if (!expert.inputRounding().equals(inputRounding) || expert.bias() != null) {
                throw new QuantizationException(
                        ErrorCode.QUANTIZATION_UNSUPPORTED,
                        what + ": experts that round their inputs differently, or that have a bias, cannot be run");
            }
        }
        return new ExpertLinears(
                experts.stream().map(Linear::module).toList(),
                experts.stream().map(ExpertLinears::scaled).toList(),
                inputRounding);
    }

    private static ScaledMatrix scaled(Linear expert) {
        return switch (expert.weight()) {
            case LinearWeight.Scaled weight -> weight.matrix();
            case LinearWeight.Packed packed ->
                throw new IllegalStateException(expert.module() + " was loaded for a product of its own");
        };
    }

    /** @param starts the rows of each expert */
    void apply(Backend backend, LinearInput input, Matrix starts, Matrix out, Stream stream) {
        InputRounding rounding =
                inputRounding.on(backend, weights.getFirst().codes().dtype());
        backend.groupedMatMul().multiply(input.as(rounding, modules), starts, weights, out, stream);
    }
}
