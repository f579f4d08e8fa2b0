package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;

final class ScalarQuantizeRows implements QuantizeRows {

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        HostStream.require(stream);
        QuantizeRows.check(x, codes, scales, divisor, nonFinite);
        HostMatrix values = HostMatrix.of(x);
        HostMatrix code = HostMatrix.of(codes);
        HostMatrix scale = HostMatrix.of(scales);
        for (long row = 0; row < x.rows(); row++) {
            float absmax = absmax(values, row, x.columns());
            scale.set(row, 0, absmax / divisor);
            if (scale.get(row, 0) == 0) {
                scale.set(row, 0, epsilon(scales.dtype()));
            }
            if (!Float.isFinite(scale.get(row, 0))) {
                HostMatrix.of(nonFinite).setInt(0, 0, 1);
            }
            for (long c = 0; c < x.columns(); c++) {
                code.set(row, c, values.get(row, c) / scale.get(row, 0));
            }
        }
    }

    /** NaN if the row holds one: {@link Math#max(float, float)} keeps it. */
    private static float absmax(HostMatrix values, long row, long columns) {
        float absmax = 0;
        for (long c = 0; c < columns; c++) {
            absmax = Math.max(absmax, Math.abs(values.get(row, c)));
        }
        return absmax;
    }

    /** The distance from 1 to the next number of a scale's type. */
    private static float epsilon(DType scaleType) {
        return switch (scaleType) {
            case BF16 -> 0x1p-7f;
            case F16 -> 0x1p-10f;
            case F32 -> 0x1p-23f;
            default -> throw new IllegalArgumentException("not a type of scales: " + scaleType);
        };
    }
}
