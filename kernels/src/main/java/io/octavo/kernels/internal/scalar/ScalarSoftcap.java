package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.operation.Softcap;

final class ScalarSoftcap implements Softcap {

    @Override
    public void cap(Matrix x, float cap, Stream stream) {
        HostStream.require(stream);
        Softcap.check(x, cap);
        HostMatrix values = HostMatrix.of(x);
        for (long row = 0; row < x.rows(); row++) {
            for (long c = 0; c < x.columns(); c++) {
                values.set(row, c, (float) (cap * Math.tanh((double) values.get(row, c) / cap)));
            }
        }
    }
}
