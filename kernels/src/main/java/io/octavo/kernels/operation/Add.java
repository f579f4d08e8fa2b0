package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Element-wise sum, for residual connections and biases, and difference. */
public interface Add {

    /**
     * {@code target[r, c] += x[r, c]}.
     *
     * @param target {@code [rows, columns]} F32
     * @param x {@code [rows, columns]}, or {@code [1, columns]} to add the same row everywhere; F32, BF16 or F16
     */
    default void accumulate(Matrix target, Matrix x, Stream stream) {
        add(target, x, 1, stream);
    }

    /**
     * {@code target[r, c] -= x[r, c]}.
     *
     * @param target as of {@link #accumulate}
     * @param x as of {@link #accumulate}
     */
    default void subtract(Matrix target, Matrix x, Stream stream) {
        add(target, x, -1, stream);
    }

    /** {@code target[r, c] += sign * x[r, c]}, operands as of {@link #accumulate}. */
    void add(Matrix target, Matrix x, float sign, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix target, Matrix x) {
        Operands.requireF32("target", target);
        Operands.requireType("x", x, Operands.FLOATS);
        Operands.requireShape("x", x, x.rows() == 1 ? 1 : target.rows(), target.columns());
        Operands.requireIntColumns("target", target);
    }
}
