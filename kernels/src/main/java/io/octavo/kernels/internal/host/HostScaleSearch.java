package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.ScaleSearch;
import io.octavo.kernels.scale.Rounding;
import io.octavo.kernels.scale.RowTiles;
import io.octavo.kernels.scale.ScaleSweep;
import io.octavo.kernels.scale.SharedTile;
import io.octavo.kernels.scale.TileNumbers;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Tiles of some rows at a time, which lie beside each other where each row has its own. */
public final class HostScaleSearch implements ScaleSearch {

    /** Rows that are rounded at once: as many as keep vector units busy, few enough for the nearest cache. */
    private static final int ROWS_AT_ONCE = 64;

    /** From this mantissa on the exponent of an absmax is rounded up (OCP MX as compressed-tensors computes it). */
    private static final float CARRIED = 1.75f;

    private final Runner runner;

    /** Runs {@code piece} for {@code [0, count)}, in any order, on any thread. */
    @FunctionalInterface
    public interface Runner {
        void run(int count, Piece piece);
    }

    /** One of several pieces of work. */
    @FunctionalInterface
    public interface Piece {
        void run(int index);
    }

    public HostScaleSearch(Runner runner) {
        this.runner = runner;
    }

    @Override
    public void search(Arguments a, Stream stream) {
        HostStream.require(stream);
        a.byInput().forEach(this::search);
    }

    private void search(Arguments a) {
        int rows = (int) a.weights().rows();
        int height = (int) Math.min(a.tile().rows(), Math.max(rows, 1));
        int step = height == 1 ? ROWS_AT_ONCE : height;
        float[] importance = HostMatrix.of(a.importance()).row(0);
        runner.run(Math.ceilDiv(rows, step), index -> {
            int top = index * step;
            new Rows(a, importance, top, Math.min(step, rows - top), height).search();
        });
    }

    /** Rows of whole tiles. */
    private static final class Rows {

        private final Arguments a;
        private final float[] importance;
        private final int top;
        private final int rows;
        private final boolean byRow;
        private final int columns;
        private final float[] numbers;
        private final long firstTileRow;

        Rows(Arguments a, float[] importance, int top, int rows, int height) {
            this.a = a;
            this.importance = importance;
            this.top = top;
            this.rows = rows;
            this.byRow = height == 1;
            this.columns = (int) a.weights().columns();
            this.numbers = new float[Math.multiplyExact(rows, columns)];
            this.firstTileRow = top / height;
            HostMatrix weights = HostMatrix.of(a.weights());
            for (int i = 0; i < numbers.length; i++) {
                numbers[i] = weights.get(top + i / columns, i % columns);
            }
        }

        void search() {
            int width = (int) Math.min(a.tile().columns(), columns);
            for (int left = 0; left < columns; left += width) {
                group(left, Math.min(width, columns - left), left / width);
            }
        }

        private void group(int left, int width, int group) {
            int tiles = byRow ? rows : 1;
            float[] min = new float[tiles];
            float[] max = new float[tiles];
            for (int row = 0; row < rows; row++) {
                int tile = byRow ? row : 0;
                for (int i = row * columns + left; i < row * columns + left + width; i++) {
                    min[tile] = Math.min(min[tile], numbers[i]);
                    max[tile] = Math.max(max[tile], numbers[i]);
                }
            }
            float[] scales = new float[tiles];
            float[] zeroPoints = new float[tiles];
            for (int tile = 0; tile < tiles; tile++) {
                scales[tile] = plain(min[tile], max[tile]);
                zeroPoints[tile] = a.zeroPoints() == null ? 0 : zeroPoint(min[tile], scales[tile]);
            }
            if (a.reach() != null) {
                improve(a.reach(), left, width, min, max, scales, zeroPoints);
            }
            for (int tile = 0; tile < tiles; tile++) {
                HostMatrix.of(a.scales()).set(firstTileRow + tile, group, scales[tile]);
                if (a.zeroPoints() != null) {
                    HostMatrix.of(a.zeroPoints()).set(firstTileRow + tile, group, zeroPoints[tile]);
                }
            }
            if (a.codes() != null) {
                for (int row = 0; row < rows; row++) {
                    int tile = byRow ? row : 0;
                    round(row, left, width, scales[tile] * (1 / a.divisor()), (int) zeroPoints[tile]);
                }
            }
        }

        private float plain(float min, float max) {
            ScaleFormat format = a.scaleFormat();
            if (a.zeroPoints() != null) {
                return format.nearest(a.divisor()
                        * ((max - min) / (a.format().highest() - a.format().lowest())));
            }
            float absmax = a.absmax() > 0 ? a.absmax() : Math.max(-min, max);
            if (format != ScaleFormat.E8M0) {
                return format.nearest(a.divisor() * (absmax / a.codeDivisor()));
            }
            int exponent = Math.getExponent(absmax);
            boolean carries = absmax >= CARRIED * Math.scalb(1.0f, exponent);
            return ScaleFormat.power((carries ? exponent + 1 : exponent) - Math.getExponent(a.codeDivisor()));
        }

        private float zeroPoint(float min, float scale) {
            float exact = a.format().lowest() - min / scale;
            return (float)
                    Math.rint(Math.clamp(exact, a.format().lowest(), a.format().highest()));
        }

        private void improve(
                Reach reach, int left, int width, float[] min, float[] max, float[] scales, float[] zeroPoints) {
            ScaleFormat format = a.scaleFormat();
            TileNumbers tiles = byRow ? tiles(0, rows, left, width) : new SharedTile(parts(left, width));
            int[] rungs = new int[scales.length];
            for (int tile = 0; tile < rungs.length; tile++) {
                rungs[tile] = format.rung(scales[tile]);
            }
            var sweep = new ScaleSweep(tiles, format, reach, a.divisor(), rungs, zeroPoints);
            if (a.zeroPoints() == null) {
                sweep.symmetric();
            } else {
                sweep.asymmetric(min, max, a.format().lowest(), a.format().highest());
            }
            for (int tile = 0; tile < rungs.length; tile++) {
                scales[tile] = format.scale(rungs[tile]);
            }
        }

        private RowTiles tiles(int from, int count, int left, int width) {
            return new RowTiles(Rounding.of(a.format()), numbers, columns, from, count, left, width, importance);
        }

        private List<RowTiles> parts(int left, int width) {
            var parts = new ArrayList<RowTiles>();
            for (int from = 0; from < rows; from += ROWS_AT_ONCE) {
                parts.add(tiles(from, Math.min(ROWS_AT_ONCE, rows - from), left, width));
            }
            return parts;
        }

        private void round(int row, int left, int width, float scale, int zeroPoint) {
            CodeFormat format = a.format();
            HostMatrix codes = HostMatrix.of(Objects.requireNonNull(a.codes()));
            for (int column = left; column < left + width; column++) {
                int code = format.code(numbers[row * columns + column] / scale, zeroPoint) + format.offset();
                if (format.bits() == Byte.SIZE) {
                    codes.setByte(top + row, column, code);
                } else {
                    int before = column % 2 == 0 ? 0 : (int) codes.get(top + row, column / 2);
                    codes.setByte(top + row, column / 2, before | ((code & 0xF) << (column % 2 * 4)));
                }
            }
        }
    }
}
