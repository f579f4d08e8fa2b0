package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.GatedActivation;

final class ScalarGatedActivation implements GatedActivation {

    @Override
    public void apply(Function function, Matrix gate, Matrix up, Matrix out, Stream stream) {
        HostStream.require(stream);
        GatedActivation.check(gate, up, out);
        HostMatrix gates = HostMatrix.of(gate);
        HostMatrix ups = HostMatrix.of(up);
        HostMatrix result = HostMatrix.of(out);
        for (long row = 0; row < gate.rows(); row++) {
            for (long c = 0; c < gate.columns(); c++) {
                double activated = activate(function, gates.get(row, c));
                result.set(row, c, (float) (activated * ups.get(row, c)));
            }
        }
    }

    private static double activate(Function function, double x) {
        return switch (function) {
            case SILU -> x / (1 + Math.exp(-x));
            // (1 + tanh u) / 2 = 1 / (1 + e^-2u), which does not cancel where tanh u is near -1.
            case GELU_TANH -> x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
        };
    }
}
