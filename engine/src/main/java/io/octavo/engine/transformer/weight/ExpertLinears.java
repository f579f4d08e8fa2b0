package io.octavo.engine.transformer.weight;

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
 * @param modules names in the checkpoint
 */
public record ExpertLinears(List<String> modules, List<ScaledMatrix> weights, InputRounding inputRounding) {

    public ExpertLinears {
        modules = List.copyOf(modules);
        weights = List.copyOf(weights);
    }

    /** @throws QuantizationException {@code QUANTIZATION_UNSUPPORTED} unless all round their inputs alike and have no bias */
    public static ExpertLinears of(List<Linear> experts) {
        InputRounding inputRounding = experts.getFirst().inputRounding();
        for (Linear expert : experts) {
            if (!expert.inputRounding().equals(inputRounding) || expert.bias() != null) {
                throw new QuantizationException(
                        ErrorCode.QUANTIZATION_UNSUPPORTED,
                        expert.module()
                                + ": experts that round their inputs differently, or that have a bias, cannot be run");
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

    /** What these multiply on a backend. */
    public InputRounding roundingOn(Backend backend) {
        return inputRounding.on(backend, weights.getFirst().codes().dtype());
    }

    /**
     * @param input as {@link #roundingOn} says
     * @param starts the rows of each expert
     */
    public void multiply(Backend backend, ScaledMatrix input, Matrix starts, Matrix out, Stream stream) {
        backend.operations().groupedMatMul().multiply(input, starts, weights, out, stream);
    }
}
