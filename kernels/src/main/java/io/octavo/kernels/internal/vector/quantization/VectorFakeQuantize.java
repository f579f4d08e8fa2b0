package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.Scaling;

public final class VectorFakeQuantize implements FakeQuantize {

    private final WorkerPool workers;

    public VectorFakeQuantize(WorkerPool workers) {
        this.workers = workers;
    }

    /** Rounds the groups of one row in place. */
    private interface RowRounder {
        void round(float[] row);
    }

    @Override
    public void apply(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out, Stream stream) {
        HostStream.require(stream);
        FakeQuantize.check(x, format, groupColumns, scaling, out);
        int columns = (int) x.columns();
        int size = (int) groupColumns;
        eachRow(x, out, row -> {
            for (int at = 0; at < columns; at += size) {
                roundGroup(format, scaling, row, at, size);
            }
        });
    }

    private static void roundGroup(CodeFormat format, Scaling scaling, float[] row, int at, int count) {
        int zeroPoint = 0;
        float scale = switch (scaling) {
            case Scaling.Absmax absolute ->
                ScaleRules.floating(TileEncoder.absmax(row, at, count) / absolute.divisor(), DType.F32);
            case Scaling.Relative relative ->
                Float8.fromE4m3(ScaleRules.relative(TileEncoder.absmax(row, at, count), relative)) / relative.factor();
            case Scaling.PowerOfTwo power ->
                ScaleRules.power(ScaleRules.exponent(TileEncoder.absmax(row, at, count), power));
            case Scaling.Range range -> {
                float[] min = {0};
                float[] max = {0};
                TileEncoder.range(row, at, at + count, count, min, max);
                float computed = ScaleRules.floating(ScaleRules.range(min[0], max[0], format), DType.F32);
                zeroPoint = ScaleRules.zeroPoint(min[0], computed, format);
                yield computed;
            }
            case Scaling.Given given -> throw new IllegalArgumentException("scales are computed here");
        };
        TileEncoder.round(format, row, at, count, scale, zeroPoint);
    }

    @Override
    public void applyFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out, Stream stream) {
        HostStream.require(stream);
        FakeQuantize.checkFixed(x, format, scales, zeroPoint, out);
        int groups = (int) scales.columns();
        int size = (int) x.columns() / groups;
        float[] fixed = new float[groups];
        RowReader.read(DType.F32, Native.address(scales), groups, fixed, 0);
        eachRow(x, out, row -> {
            for (int group = 0; group < groups; group++) {
                TileEncoder.round(format, row, group * size, size, fixed[group], zeroPoint);
            }
        });
    }

    private void eachRow(Matrix x, Matrix out, RowRounder rounder) {
        int columns = (int) x.columns();
        long xAt = Native.address(x);
        long outAt = Native.address(out);
        workers.runRanges(x.rows(), Grain.rows(columns), (from, to, scratch) -> {
            float[] values = scratch.floats(Scratch.Use.ROWS, columns);
            for (long row = from; row < to; row++) {
                long offset = row * columns * Float.BYTES;
                RowReader.read(DType.F32, xAt + offset, columns, values, 0);
                rounder.round(values);
                RowReader.write(values, 0, columns, outAt + offset);
            }
        });
    }
}
