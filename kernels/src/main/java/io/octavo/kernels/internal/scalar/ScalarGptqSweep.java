package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.GptqSweep;
import org.jspecify.annotations.Nullable;

/** In f64. */
final class ScalarGptqSweep implements GptqSweep {

    @Override
    public void quantize(
            Matrix weights,
            Matrix factor,
            @Nullable Matrix order,
            CodeFormat format,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            Matrix codes,
            Matrix losses,
            Stream stream) {
        HostStream.require(stream);
        GptqSweep.check(weights, factor, order, format, scales, zeroPoints, groupColumns, codes, losses);
        HostMatrix source = HostMatrix.of(weights);
        HostMatrix u = HostMatrix.of(factor);
        HostMatrix target = HostMatrix.of(codes);
        int columns = (int) weights.columns();
        for (long row = 0; row < weights.rows(); row++) {
            double[] w = new double[columns];
            for (int i = 0; i < columns; i++) {
                w[i] = source.get(row, column(order, i, columns));
            }
            double loss = 0;
            for (int i = 0; i < columns; i++) {
                int column = column(order, i, columns);
                long group = column / groupColumns;
                double scale = HostMatrix.of(scales).get(row, group);
                int zeroPoint =
                        zeroPoints == null ? 0 : (int) HostMatrix.of(zeroPoints).get(row, group);
                int code = Codes.code((float) (w[i] / scale), zeroPoint, format);
                Codes.set(target, row, column, format, code);
                double error = (w[i] - (format.number(code) - zeroPoint) * scale) / u.get(i, i);
                loss += error * error;
                for (int j = i + 1; j < columns; j++) {
                    w[j] -= error * u.get(i, j);
                }
            }
            HostMatrix.of(losses).set(0, row, (float) loss);
        }
    }

    private static int column(@Nullable Matrix order, int i, int columns) {
        return order == null
                ? i
                : Operands.requireIndex("column", HostMatrix.of(order).getInt(0, i), columns);
    }
}
