package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.SecondMoments;

final class ScalarSecondMoments implements SecondMoments {

    @Override
    public void accumulate(Matrix x, Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(x, sums);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(sums);
        for (long i = 0; i < x.columns(); i++) {
            for (long j = i; j < x.columns(); j++) {
                float sum = target.get(i, j);
                for (long token = 0; token < x.rows(); token++) {
                    sum += source.get(token, i) * source.get(token, j);
                }
                target.set(i, j, sum);
            }
        }
    }

    @Override
    public void mirror(Matrix sums, Stream stream) {
        HostStream.require(stream);
        SecondMoments.check(sums);
        HostMatrix target = HostMatrix.of(sums);
        for (long i = 0; i < sums.rows(); i++) {
            for (long j = 0; j < i; j++) {
                target.set(i, j, target.get(j, i));
            }
        }
    }
}
