package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.operation.Convert;

/** Every host backend's: nothing on the processor's way needs it to be fast. */
public final class HostConvert implements Convert {

    @Override
    public void convert(Matrix x, Matrix out, Stream stream) {
        HostStream.require(stream);
        Convert.check(x, out);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix result = HostMatrix.of(out);
        for (long row = 0; row < x.rows(); row++) {
            for (long c = 0; c < x.columns(); c++) {
                result.set(row, c, values.get(row, c));
            }
        }
    }
}
