package io.octavo.engine.solve;

import io.octavo.kernels.device.Matrix;
import java.util.Optional;

/**
 * What was seen of an input x' that Linears read.
 *
 * @param sums {@code [columns, columns]} F32: sums over tokens of products of its channels, mirrored
 * @param differences from the original model's input, where that is known, which is then what outputs are to be made for
 * @param tokens that were summed
 */
public record InputMoments(Matrix sums, Optional<Differences> differences, long tokens) {

    /**
     * Of d = x - x', where x is what the original model has in the place of x'.
     *
     * @param products {@code [columns, columns]} F32: sums over tokens of {@code d[i] x'[j]}
     * @param squares {@code [1, columns]} F32: sums over tokens of {@code d[i]²}
     */
    public record Differences(Matrix products, Matrix squares) {}

    int columns() {
        return Math.toIntExact(sums.columns());
    }
}
