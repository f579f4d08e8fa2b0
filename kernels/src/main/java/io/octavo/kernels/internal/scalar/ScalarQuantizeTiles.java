package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import org.jspecify.annotations.Nullable;

final class ScalarQuantizeTiles implements QuantizeTiles {

    @Override
    public void quantize(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        var run = new Run(
                HostMatrix.of(arguments.x()),
                arguments.format(),
                arguments.scaling(),
                HostMatrix.of(arguments.codes()),
                HostMatrix.of(arguments.scales()),
                arguments.scales(),
                arguments.zeroPoints() == null ? null : HostMatrix.of(arguments.zeroPoints()),
                HostMatrix.of(arguments.nonFinite()));
        for (long tileRow = 0; tileRow < arguments.scales().rows(); tileRow++) {
            for (long tileColumn = 0; tileColumn < arguments.scales().columns(); tileColumn++) {
                long row = tileRow * arguments.tile().rows();
                long column = tileColumn * arguments.tile().columns();
                run.tile(
                        tileRow,
                        tileColumn,
                        row,
                        Math.min(row + arguments.tile().rows(), arguments.x().rows()),
                        column,
                        Math.min(
                                column + arguments.tile().columns(),
                                arguments.x().columns()));
            }
        }
    }

    private record Run(
            HostMatrix x,
            CodeFormat format,
            Scaling scaling,
            HostMatrix codes,
            HostMatrix scales,
            Matrix scaleShape,
            @Nullable HostMatrix zeroPoints,
            HostMatrix nonFinite) {

        void tile(long tileRow, long tileColumn, long fromRow, long toRow, long fromColumn, long toColumn) {
            float min = 0;
            float max = 0;
            for (long row = fromRow; row < toRow; row++) {
                for (long column = fromColumn; column < toColumn; column++) {
                    min = Math.min(min, x.get(row, column));
                    max = Math.max(max, x.get(row, column));
                }
            }
            float scale = storeScale(tileRow, tileColumn, min, max);
            if (!Float.isFinite(scale) || !Float.isFinite(max) || !Float.isFinite(min)) {
                nonFinite.setInt(0, 0, 1);
            }
            int zeroPoint = 0;
            if (zeroPoints != null) {
                zeroPoint = ScaleRules.zeroPoint(min, scale, format);
                zeroPoints.set(tileRow, tileColumn, zeroPoint);
            }
            for (long row = fromRow; row < toRow; row++) {
                for (long column = fromColumn; column < toColumn; column++) {
                    Codes.set(codes, row, column, format, Codes.code(x.get(row, column) / scale, zeroPoint, format));
                }
            }
        }

        /** Stores a scale and returns what it stands for. */
        private float storeScale(long row, long column, float min, float max) {
            float absmax = Math.max(-min, max);
            switch (scaling) {
                case Scaling.Absmax absolute ->
                    scales.set(row, column, ScaleRules.floating(absmax / absolute.divisor(), scaleShape.dtype()));
                case Scaling.Range range ->
                    scales.set(
                            row, column, ScaleRules.floating(ScaleRules.range(min, max, format), scaleShape.dtype()));
                case Scaling.Relative relative -> {
                    scales.set(row, column, Float8.fromE4m3(ScaleRules.relative(absmax, relative)));
                    return scales.get(row, column) / relative.factor();
                }
                case Scaling.PowerOfTwo power -> {
                    scales.setByte(row, column, ScaleRules.exponent(absmax, power));
                    return ScaleRules.power((int) scales.get(row, column));
                }
                case Scaling.Given given -> {
                    // Read below.
                }
            }
            return scales.get(row, column);
        }
    }
}
