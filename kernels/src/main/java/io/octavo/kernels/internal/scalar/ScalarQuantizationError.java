package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.QuantizationError;
import org.jspecify.annotations.Nullable;

final class ScalarQuantizationError implements QuantizationError {

    @Override
    public void measure(
            Matrix x,
            Matrix codes,
            Matrix numbers,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            float wholeScale,
            Matrix errors,
            Stream stream) {
        HostStream.require(stream);
        Operands.checkQuantizationError(x, codes, numbers, scales, zeroPoints, groupColumns, errors);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix bytes = HostMatrix.of(codes);
        HostMatrix table = HostMatrix.of(numbers);
        HostMatrix steps = HostMatrix.of(scales);
        HostMatrix result = HostMatrix.of(errors);
        for (long row = 0; row < x.rows(); row++) {
            double squaredError = 0;
            double squaredNumber = 0;
            double mostSteps = 0;
            for (long column = 0; column < x.columns(); column++) {
                long group = column / groupColumns;
                double scale = (double) steps.get(row, group) * wholeScale;
                float zeroPoint =
                        zeroPoints == null ? 0 : HostMatrix.of(zeroPoints).get(row, group);
                double number = source.get(row, column);
                double error = (table.get(0, (long) bytes.get(row, column)) - zeroPoint) * scale - number;
                squaredError += error * error;
                squaredNumber += number * number;
                mostSteps = Math.max(mostSteps, Math.abs(error) / scale);
            }
            result.setDouble(row, SQUARED_ERROR, squaredError);
            result.setDouble(row, SQUARED_NUMBER, squaredNumber);
            result.setDouble(row, MOST_STEPS, mostSteps);
        }
    }
}
