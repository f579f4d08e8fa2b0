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

    /** @param input as {@link #roundingOn} says */
    public void multiply(Backend backend, ScaledMatrix input, Matrix out, Stream stream) {
        weight.multiply(backend, input, out, stream);
        if (bias != null) {
            backend.operations().add().accumulate(out, bias, stream);
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
