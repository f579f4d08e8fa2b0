package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.quantization.ObserveHistogram;

final class ScalarObserveHistogram implements ObserveHistogram {

    @Override
    public void observe(Matrix x, float range, Matrix counts, Stream stream) {
        HostStream.require(stream);
        ObserveHistogram.check(x, range, counts);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(counts);
        int bins = (int) counts.columns() - 1;
        float factor = bins / range;
        for (long row = 0; row < x.rows(); row++) {
            for (long column = 0; column < x.columns(); column++) {
                float magnitude = Math.abs(source.get(row, column));
                int bin = Float.isFinite(magnitude) ? Math.min((int) (magnitude * factor), bins - 1) : bins;
                target.setLong(0, bin, target.getLong(0, bin) + 1);
            }
        }
    }
}
