package io.octavo.engine.solve;

import io.octavo.kernels.device.Matrix;
import java.util.List;
import java.util.Optional;

/**
 * What was seen of an input x' that Linears read, or of several inputs with as many channels.
 *
 * @param sums {@code [inputs * columns, columns]} F32: sums over tokens of products of its channels, mirrored; who solves makes
 *     means of them in their place, since a square of 14,336 channels takes 0.8 GB
 * @param differences from the original model's input, where that is known, which is then what outputs are to be made for; of a
 *     single input alone
 * @param tokens that were summed, of each input
 */
public record InputMoments(Matrix sums, Optional<Differences> differences, List<Long> tokens) {

    public InputMoments {
        tokens = List.copyOf(tokens);
    }

    /** Of a single input. */
    public InputMoments(Matrix sums, Optional<Differences> differences, long tokens) {
        this(sums, differences, List.of(tokens));
    }

    /**
     * Of d = x - x', where x is what the original model has in the place of x'.
     *
     * @param products {@code [columns, columns]} F32: sums over tokens of {@code d[i] x'[j]}
     * @param squares {@code [1, columns]} F32: sums over tokens of {@code d[i]²}
     */
    public record Differences(Matrix products, Matrix squares) {}

    int inputs() {
        return tokens.size();
    }

    int columns() {
        return Math.toIntExact(sums.columns());
    }
}
