package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.quantization.GptqSweep;
import org.jspecify.annotations.Nullable;

/** In f64. */
final class ScalarGptqSweep implements GptqSweep {

    @Override
    public void quantize(Arguments a, Stream stream) {
        HostStream.require(stream);
        a.byInput().forEach(ScalarGptqSweep::quantize);
    }

    private static void quantize(Arguments a) {
        HostMatrix source = HostMatrix.of(a.weights());
        HostMatrix u = HostMatrix.of(a.factor());
        HostMatrix target = HostMatrix.of(a.codes());
        int columns = (int) a.weights().columns();
        for (long row = 0; row < a.weights().rows(); row++) {
            double[] w = new double[columns];
            for (int i = 0; i < columns; i++) {
                w[i] = source.get(row, column(a.order(), i, columns));
            }
            double loss = 0;
            for (int i = 0; i < columns; i++) {
                int column = column(a.order(), i, columns);
                long group = column / a.groupColumns();
                double scale = HostMatrix.of(a.scales()).get(row, group);
                int zeroPoint = a.zeroPoints() == null
                        ? 0
                        : (int) HostMatrix.of(a.zeroPoints()).get(row, group);
                int code = Codes.code((float) (w[i] / scale), zeroPoint, a.format());
                Codes.set(target, row, column, a.format(), code);
                double error = (w[i] - (a.format().number(code) - zeroPoint) * scale) / u.get(i, i);
                loss += error * error;
                for (int j = i + 1; j < columns; j++) {
                    w[j] -= error * u.get(i, j);
                }
            }
            HostMatrix.of(a.losses()).set(0, row, (float) loss);
        }
    }

    private static int column(@Nullable Matrix order, int i, int columns) {
        return order == null
                ? i
                : Operands.requireIndex("column", HostMatrix.of(order).getInt(0, i), columns);
    }
}
