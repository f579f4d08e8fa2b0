package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostMatrix;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.Scaling;

final class ScalarFakeQuantize implements FakeQuantize {

    @Override
    public void apply(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out, Stream stream) {
        HostStream.require(stream);
        FakeQuantize.check(x, format, groupColumns, scaling, out);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(out);
        for (long row = 0; row < x.rows(); row++) {
            for (long from = 0; from < x.columns(); from += groupColumns) {
                float min = 0;
                float max = 0;
                for (long column = from; column < from + groupColumns; column++) {
                    min = Math.min(min, source.get(row, column));
                    max = Math.max(max, source.get(row, column));
                }
                float scale = scale(scaling, format, min, max);
                int zeroPoint = scaling instanceof Scaling.Range ? ScaleRules.zeroPoint(min, scale, format) : 0;
                round(source, target, row, from, from + groupColumns, format, scale, zeroPoint);
            }
        }
    }

    private static float scale(Scaling scaling, CodeFormat format, float min, float max) {
        float absmax = Math.max(-min, max);
        return switch (scaling) {
            case Scaling.Absmax absolute -> ScaleRules.floating(absmax / absolute.divisor(), DType.F32);
            case Scaling.Range range -> ScaleRules.floating(ScaleRules.range(min, max, format), DType.F32);
            case Scaling.Relative relative ->
                Float8.fromE4m3(ScaleRules.relative(absmax, relative)) / relative.factor();
            case Scaling.PowerOfTwo power -> ScaleRules.power(ScaleRules.exponent(absmax, power));
            case Scaling.Given given -> throw new IllegalArgumentException("scales are computed here");
        };
    }

    @Override
    public void applyFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out, Stream stream) {
        HostStream.require(stream);
        FakeQuantize.checkFixed(x, format, scales, zeroPoint, out);
        HostMatrix source = HostMatrix.of(x);
        HostMatrix target = HostMatrix.of(out);
        HostMatrix scale = HostMatrix.of(scales);
        long groupColumns = x.columns() / scales.columns();
        for (long row = 0; row < x.rows(); row++) {
            for (long group = 0; group < scales.columns(); group++) {
                long from = group * groupColumns;
                round(source, target, row, from, from + groupColumns, format, scale.get(0, group), zeroPoint);
            }
        }
    }

    private static void round(
            HostMatrix source,
            HostMatrix target,
            long row,
            long from,
            long to,
            CodeFormat format,
            float scale,
            int zeroPoint) {
        for (long column = from; column < to; column++) {
            int code = Codes.code(source.get(row, column) / scale, zeroPoint, format);
            target.set(row, column, (format.number(code) - zeroPoint) * scale);
        }
    }
}
