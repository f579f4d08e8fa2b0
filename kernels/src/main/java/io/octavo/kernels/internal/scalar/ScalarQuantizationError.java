package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.QuantizationError;

final class ScalarQuantizationError implements QuantizationError {

    @Override
    public void measure(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        HostMatrix source = HostMatrix.of(arguments.x());
        HostMatrix bytes = HostMatrix.of(arguments.codes());
        HostMatrix table = HostMatrix.of(arguments.codebook());
        HostMatrix steps = HostMatrix.of(arguments.scales());
        HostMatrix result = HostMatrix.of(arguments.errors());
        HostMatrix reached = HostMatrix.of(arguments.reach());
        for (long row = 0; row < arguments.x().rows(); row++) {
            double squaredError = 0;
            double squaredNumber = 0;
            double excess = 0;
            for (long side = 0; side < arguments.reach().columns(); side++) {
                reached.set(row, side, 0);
            }
            for (long column = 0; column < arguments.x().columns(); column++) {
                long group = column / arguments.groupColumns();
                double scale = (double) steps.get(row, group) * arguments.wholeScale();
                float zeroPoint = arguments.zeroPoints() == null
                        ? 0
                        : HostMatrix.of(arguments.zeroPoints()).get(row, group);
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
