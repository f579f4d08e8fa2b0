package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** Keeps numbers within a bound (arXiv:2408.00118, section 2): {@code x = cap * tanh(x / cap)}, in f32. */
public interface Softcap {

    /**
     * Caps in place; infinities become {@code cap} with their sign, NaN stays NaN.
     *
     * @param x {@code [rows, columns]} F32
     * @param cap positive and finite
     */
    void cap(Matrix x, float cap, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, float cap) {
        Operands.requireF32("x", x);
        if (!(cap > 0 && cap < Float.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException("cap must be positive and finite: " + cap);
        }
    }
}
