package io.octavo.engine.transformer.weight;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A weight in the model: {@code out = input * weight^T + bias}.
 *
 * @param module its name in the checkpoint
 * @param weight {@code [outFeatures, inFeatures]} with its scales
 * @param bias {@code [1, outFeatures]} or null
 */
public record Linear(
        String module, LinearWeight weight, @Nullable Matrix bias, InputRounding inputRounding) {

    public int outFeatures() {
        return Math.toIntExact(weight.outFeatures());
    }

    /**
     * Of Linears that read one input.
     *
     * @param input as {@link #roundingOn} of all of them says
     * @param outs one each
     */
    public static void multiply(
            Backend backend, ScaledMatrix input, List<Linear> linears, List<Matrix> outs, Stream stream) {
        LinearWeight.multiplyAll(
                backend, input, linears.stream().map(Linear::weight).toList(), outs, stream);
        for (int i = 0; i < outs.size(); i++) {
            Matrix bias = linears.get(i).bias;
            if (bias != null) {
                backend.operations().add().accumulate(outs.get(i), bias, stream);
            }
        }
    }

    /** What this multiplies on a backend. */
    public InputRounding roundingOn(Backend backend) {
        return inputRounding.on(backend, weight.dtype());
    }

    /** What all of some Linears multiply, if that is one and the same. */
    public static Optional<InputRounding> sharedRounding(Backend backend, List<Linear> linears) {
        List<InputRounding> distinct = linears.stream()
                .map(linear -> linear.roundingOn(backend))
                .distinct()
                .toList();
        return distinct.size() == 1 ? Optional.of(distinct.getFirst()) : Optional.empty();
    }

    /** The output features {@code [from, to)} as a Linear of their own, for checkpoints that fuse projections. */
    public Linear rows(long from, long to) {
        Matrix biasPart = bias == null ? null : columns(bias, from, to);
        return new Linear(module, weight.rows(from, to), biasPart, inputRounding);
    }

    private static Matrix columns(Matrix row, long from, long to) {
        return row.reshape(row.columns(), 1).rows(from, to).reshape(1, to - from);
    }
}
