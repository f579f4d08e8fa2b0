package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.ObserveRange;

final class ScalarObserveRange implements ObserveRange {

    @Override
    public void observe(Matrix x, Matrix ranges, Stream stream) {
        HostStream.require(stream);
        ObserveRange.check(x, ranges);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix range = HostMatrix.of(ranges);
        long groupColumns = x.columns() / ranges.rows();
        for (long row = 0; row < x.rows(); row++) {
            for (long column = 0; column < x.columns(); column++) {
                long group = column / groupColumns;
                range.set(group, 0, Math.min(range.get(group, 0), source.get(row, column)));
                range.set(group, 1, Math.max(range.get(group, 1), source.get(row, column)));
            }
        }
    }
}
