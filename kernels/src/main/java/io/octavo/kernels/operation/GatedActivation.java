package io.octavo.kernels.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;

/** The gated unit of a transformer's MLP (arXiv:2002.05202): {@code out = activation(gate) * up}, in f32. */
public interface GatedActivation {

    /** Which function is applied to the gate. */
    enum Function {
        /** {@code x * sigmoid(x)}: SwiGLU. */
        SILU,
        /** The tanh form of GELU: GeGLU as Gemma uses it. */
        GELU_TANH
    }

    /**
     * @param gate {@code [rows, columns]} F32
     * @param up like {@code gate}
     * @param out receives {@code [rows, columns]} F32; may be {@code gate} or {@code up}
     */
    void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix gate, Matrix up, Matrix out) {
        Operands.requireF32("gate", gate);
        Operands.requireF32("up", up);
        Operands.requireF32("out", out);
        Operands.requireShape("up", up, gate.rows(), gate.columns());
        Operands.requireShape("out", out, gate.rows(), gate.columns());
    }
}
