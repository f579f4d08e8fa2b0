package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.ArgMax;

final class ScalarArgMax implements ArgMax {

    @Override
    public void find(Matrix x, Matrix indices, Stream stream) {
        HostStream.require(stream);
        ArgMax.check(x, indices);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix result = HostMatrix.of(indices);
        for (long row = 0; row < x.rows(); row++) {
            result.setInt(0, row, largest(values.row(row)));
        }
    }

    /** -1 if there is a NaN. */
    static int largest(float[] values) {
        int best = 0;
        for (int c = 0; c < values.length; c++) {
            if (Float.isNaN(values[c])) {
                return -1;
            }
            if (values[c] > values[best]) {
                best = c;
            }
        }
        return best;
    }
}
