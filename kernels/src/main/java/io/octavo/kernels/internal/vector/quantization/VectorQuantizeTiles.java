package io.octavo.kernels.internal.vector.quantization;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.ScaleRules;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Grain;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.RowReader;
import io.octavo.kernels.internal.vector.base.Scratch;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.internal.vector.product.Operand;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Works through bands of rows that share a row of scales. Rows of a band that has several are read twice: for the
 * scales, then for the codes.
 */
public final class VectorQuantizeTiles implements QuantizeTiles {

    private final WorkerPool workers;

    public VectorQuantizeTiles(WorkerPool workers) {
        this.workers = workers;
    }

    @Override
    public void quantize(Arguments arguments, Stream stream) {
        HostStream.require(stream);
        if (arguments.x().elements() == 0) {
            return;
        }
        // Rows with given scales do not depend on each other, however high their tile is.
        long bandRows = arguments.scaling() instanceof Scaling.Given
                ? 1
                : Math.min(arguments.tile().rows(), arguments.x().rows());
        long flagAt = Native.address(arguments.nonFinite());
        var operands = new Operand(
                arguments.x().dtype(),
                Native.address(arguments.x()),
                arguments.x().rows(),
                (int) arguments.x().columns(),
                bandRows,
                arguments.tile().rows(),
                (int) Math.min(arguments.tile().columns(), arguments.x().columns()),
                arguments.format(),
                arguments.scaling(),
                Native.address(arguments.codes()),
                arguments.scales().dtype(),
                Native.address(arguments.scales()),
                (int) arguments.scales().columns(),
                arguments.zeroPoints() == null ? 0 : Native.address(arguments.zeroPoints()));
        AtomicBoolean finite = new AtomicBoolean(true);
        long bands = Math.ceilDiv(arguments.x().rows(), bandRows);
        long grain = Math.max(1, Grain.rows(operands.columns) / bandRows);
        workers.runRanges(bands, grain, (from, to, scratch) -> {
            Bands piece = new Bands(operands, scratch);
            for (long band = from; band < to; band++) {
                piece.run(band);
            }
            if (!piece.finite) {
                finite.set(false);
            }
        });
        if (!finite.get()) {
            Native.setInt(flagAt, 1);
        }
    }

    /** Everything resolved to addresses; {@code zeroPointsAt} is 0 without zero points. */
    private record Operand(
            DType xType,
            long xAt,
            long rows,
            int columns,
            long bandRows,
            long tileRows,
            int tileColumns,
            CodeFormat format,
            Scaling scaling,
            long codesAt,
            DType scaleType,
            long scalesAt,
            int tiles,
            long zeroPointsAt) {}

    /** One thread's run of bands. */
    private static final class Bands {

        private final Operand o;
        private final float[] values;
        private final float[] lows;
        private final float[] highs;
        private final float[] scales;
        private final int[] zeroPoints;
        private final byte[] codes;
        private boolean finite = true;

        Bands(Operand operand, Scratch scratch) {
            o = operand;
            values = scratch.floats(Scratch.Use.ROWS, o.columns);
            scales = scratch.floats(Scratch.Use.SCALES, o.tiles);
            highs = scratch.floats(Scratch.Use.MAXIMA, o.tiles);
            lows = new float[o.zeroPointsAt == 0 ? 0 : o.tiles];
            zeroPoints = new int[o.tiles];
            codes = new byte[o.columns];
        }

        void run(long band) {
            long first = band * o.bandRows;
            long end = Math.min(first + o.bandRows, o.rows);
            Arrays.fill(highs, 0, o.tiles, 0);
            Arrays.fill(lows, 0);
            for (long row = first; row < end; row++) {
                read(row);
                observeRow();
            }
            long scaleRow = first / o.tileRows;
            for (int tile = 0; tile < o.tiles; tile++) {
                finite &= Float.isFinite(highs[tile]) && (o.zeroPointsAt == 0 || Float.isFinite(lows[tile]));
                scales[tile] = scale(scaleRow * o.tiles + tile, tile);
                finite &= Float.isFinite(scales[tile]);
            }
            for (long row = first; row < end; row++) {
                if (end - first > 1) {
                    read(row);
                }
                encodeRow(row);
            }
        }

        private void read(long row) {
            long rowBytes = (long) o.columns * o.xType.bytes();
            RowReader.read(o.xType, o.xAt + row * rowBytes, o.columns, values, 0);
        }

        private void observeRow() {
            if (o.zeroPointsAt == 0) {
                TileEncoder.absmax(values, o.columns, o.tileColumns, highs);
            } else {
                TileEncoder.range(values, 0, o.columns, o.tileColumns, lows, highs);
            }
        }

        /** Stores the scale of a tile, unless it is given, and returns what it stands for. */
        private float scale(long index, int tile) {
            long at = o.scalesAt + index * o.scaleType.bytes();
            return switch (o.scaling) {
                case Scaling.Absmax absmax -> store(at, highs[tile] / absmax.divisor());
                case Scaling.Range range -> {
                    float scale = store(at, ScaleRules.range(lows[tile], highs[tile], o.format));
                    zeroPoints[tile] = ScaleRules.zeroPoint(lows[tile], scale, o.format);
                    Native.setByte(o.zeroPointsAt + index, (byte) zeroPoints[tile]);
                    yield scale;
                }
                case Scaling.Relative relative -> {
                    byte code = ScaleRules.relative(highs[tile], relative);
                    Native.setByte(at, code);
                    yield Float8.fromE4m3(code) / relative.factor();
                }
                case Scaling.PowerOfTwo power -> {
                    int exponent = ScaleRules.exponent(highs[tile], power);
                    Native.setByte(at, (byte) exponent);
                    yield ScaleRules.power(exponent);
                }
                case Scaling.Given given -> Native.getNumber(o.scaleType, at);
            };
        }

        private float store(long at, float scale) {
            float stored = ScaleRules.floating(scale, o.scaleType);
            switch (o.scaleType) {
                case BF16 -> Native.setShort(at, BFloat16.fromFloat(stored));
                case F16 -> Native.setShort(at, Float.floatToFloat16(stored));
                default -> Native.setFloat(at, stored);
            }
            return stored;
        }

        private void encodeRow(long row) {
            TileEncoder.encode(o.format, values, o.columns, o.tileColumns, scales, zeroPoints, codes);
            long target = o.codesAt + row * o.format.rowBytes(o.columns);
            if (o.format.bits() < Byte.SIZE) {
                TileEncoder.packNibbles(codes, o.columns, target);
            } else {
                MemorySegment.copy(codes, 0, Native.MEMORY, ValueLayout.JAVA_BYTE, target, o.columns);
            }
        }
    }
}
