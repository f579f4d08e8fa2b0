package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.Add;

final class ScalarAdd implements Add {

    @Override
    public void add(Matrix target, Matrix x, float sign, Stream stream) {
        HostStream.require(stream);
        Add.check(target, x);
        HostMatrix sum = HostMatrix.of(target);
        HostMatrix addend = HostMatrix.of(x);
        for (long row = 0; row < target.rows(); row++) {
            for (long c = 0; c < target.columns(); c++) {
                sum.set(row, c, sum.get(row, c) + sign * addend.get(x.rows() == 1 ? 0 : row, c));
            }
        }
    }
}
