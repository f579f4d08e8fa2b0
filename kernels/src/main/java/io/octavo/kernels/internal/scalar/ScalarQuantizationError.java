package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.QuantizationError;
import org.jspecify.annotations.Nullable;

final class ScalarQuantizationError implements QuantizationError {

    @Override
    public void measure(
            Matrix x,
            Matrix codes,
            Matrix codebook,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            float wholeScale,
            Matrix errors,
            Matrix reach,
            Stream stream) {
        HostStream.require(stream);
        QuantizationError.check(x, codes, codebook, scales, zeroPoints, groupColumns, errors, reach);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix bytes = HostMatrix.of(codes);
        HostMatrix table = HostMatrix.of(codebook);
        HostMatrix steps = HostMatrix.of(scales);
        HostMatrix result = HostMatrix.of(errors);
        HostMatrix reached = HostMatrix.of(reach);
        for (long row = 0; row < x.rows(); row++) {
            double squaredError = 0;
            double squaredNumber = 0;
            double excess = 0;
            for (long side = 0; side < reach.columns(); side++) {
                reached.set(row, side, 0);
            }
            for (long column = 0; column < x.columns(); column++) {
                long group = column / groupColumns;
                double scale = (double) steps.get(row, group) * wholeScale;
                float zeroPoint =
                        zeroPoints == null ? 0 : HostMatrix.of(zeroPoints).get(row, group);
                double number = source.get(row, column);
                long code = (long) bytes.get(row, column);
                double error = (table.get(NUMBER, code) - zeroPoint) * scale - number;
                double allowed = table.get(error < 0 ? ABOVE : BELOW, code) * scale;
                squaredError += error * error;
                squaredNumber += number * number;
                excess = Math.max(excess, (Math.abs(error) - allowed) / scale);
                long side = 2 * group + (number < 0 ? 0 : 1);
                if (Math.abs(number) > reached.get(row, side)) {
                    reached.set(row, side, (float) Math.abs(number));
                }
            }
            result.setDouble(row, SQUARED_ERROR, squaredError);
            result.setDouble(row, SQUARED_NUMBER, squaredNumber);
            result.setDouble(row, EXCESS, excess);
        }
    }
}
