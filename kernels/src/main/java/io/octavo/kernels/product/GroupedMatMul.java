package io.octavo.kernels.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import java.util.List;

/**
 * {@code out[m, n] = sum over k of a(m, k) * w[g](n, k)}, {@code g} being the group that row {@code m} lies in: one
 * {@link MatMul} for each group of consecutive rows, with that group's weight. How many rows a group has is known on the
 * device alone.
 */
public interface GroupedMatMul {

    /**
     * @param a activations {@code [M, K]}, in the types that {@link MatMul} takes
     * @param starts {@code [1, groups + 1]} I32, ascending from 0 to {@code M}: group {@code g} has the rows {@code
     *     starts[g] .. starts[g + 1]}; the CPU backend throws on others
     * @param weights one {@code [N, K]} a group, in the types that {@link MatMul} takes
     * @param out receives {@code [M, N]}, F32
     */
    void multiply(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out) {
        if (weights.isEmpty()) {
            throw new IllegalArgumentException("no weights");
        }
        Operands.requireInts("starts", starts, weights.size() + 1L);
        for (ScaledMatrix w : weights) {
            Operands.requireShape("w", w.codes(), weights.getFirst().rows(), a.columns());
            MatMul.check(a, w, out);
        }
    }
}
