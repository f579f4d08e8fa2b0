package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.RmsNorm;

final class ScalarRmsNorm implements RmsNorm {

    @Override
    public void normalize(Matrix x, Matrix weight, float gainOffset, float epsilon, Matrix out, Stream stream) {
        HostStream.require(stream);
        RmsNorm.check(x, weight, out);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix gain = HostMatrix.of(weight);
        HostMatrix result = HostMatrix.of(out);
        for (long row = 0; row < x.rows(); row++) {
            double squares = 0;
            for (long c = 0; c < x.columns(); c++) {
                squares += (double) values.get(row, c) * values.get(row, c);
            }
            float inverse = (float) (1 / Math.sqrt(squares / x.columns() + epsilon));
            for (long c = 0; c < x.columns(); c++) {
                result.set(row, c, values.get(row, c) * inverse * (gain.get(0, c) + gainOffset));
            }
        }
    }
}
