package io.octavo.engine.solve.scale;

import io.octavo.engine.scheme.Granularity;
import java.util.ArrayList;
import java.util.List;

/**
 * Scales under which rounding to the nearest codes costs least, each error weighed by how large the input channel is that it is
 * multiplied with (E[x²]), or, where a tile is a block of 16 columns whose moments are known, by E[x xᵀ]. The scale of plain
 * rounding is always among those that are tried: no tile becomes worse than that.
 *
 * <p>One scale of a whole tensor, which it may share with others, stays as it is: rows of it do not tell what is best for all.
 * NVFP4's search holds four-over-six (arXiv 2512.02010): a block's largest number may become 4 instead of 6.
 */
public final class SearchedScales implements ScaleSource {

    /** Rows that are rounded at once: as many as keep vector units busy, few enough for the nearest cache. */
    private static final int ROWS_AT_ONCE = 64;

    private final ScaleSource plain = new RangeScales();

    @Override
    public TileScales choose(float[] weights, float[] importance, WeightFormat format) {
        return choose(weights, InputMoments.of(importance), format);
    }

    /** The same, with the moments of blocks where they are known. */
    public TileScales choose(float[] weights, InputMoments moments, WeightFormat format) {
        int columns = format.inFeatures();
        int rows = weights.length / columns;
        TileScales found = plain.choose(weights, moments.squares(), format);
        if (format.quantization().granularity() instanceof Granularity.PerTensor) {
            return found;
        }
        int height = Math.min(format.tileRows(), rows);
        int step = height == 1 ? ROWS_AT_ONCE : height;
        for (int top = 0; top < rows; top += step) {
            int count = Math.min(step, rows - top);
            for (int group = 0; group < format.groups(); group++) {
                int left = group * format.tileColumns();
                int width = Math.min(format.tileColumns(), columns - left);
                var slice = new Slice(weights, moments, format, top, count, left, width);
                slice.search(found, top / height * format.groups() + group, height == 1);
            }
        }
        return found;
    }

    /** Rows and columns that are looked at together. */
    @SuppressWarnings("ArrayRecordComponent") // The arguments of one call, which nobody compares.
    private record Slice(
            float[] weights, InputMoments moments, WeightFormat format, int top, int rows, int left, int columns) {

        /**
         * @param scales of plain rounding; receives those found
         * @param first tile; one below it lies a row of tiles further
         * @param byRow whether each row is a tile
         */
        void search(TileScales scales, int first, boolean byRow) {
            TileNumbers tiles = byRow ? rows(top, rows) : new SharedTile(parts());
            Reach reach = Reach.of(format);
            int[] rungs = new int[tiles.tiles()];
            float[] zeroPoints = new float[rungs.length];
            for (int tile = 0; tile < rungs.length; tile++) {
                int at = first + tile * format.groups();
                rungs[tile] = reach.scales().rung(scales.scales()[at]);
                zeroPoints[tile] = scales.zeroPoint(at);
            }
            var sweep = new ScaleSweep(tiles, reach, format.divisor(), rungs, zeroPoints);
            if (format.quantization().symmetric()) {
                sweep.symmetric();
            } else {
                sweep.asymmetric(
                        ends(false),
                        ends(true),
                        format.codes().lowest(),
                        format.codes().highest());
            }
            for (int tile = 0; tile < rungs.length; tile++) {
                int at = first + tile * format.groups();
                scales.scales()[at] = reach.scales().scale(rungs[tile]);
                if (scales.zeroPoints().length > 0) {
                    scales.zeroPoints()[at] = (byte) zeroPoints[tile];
                }
            }
        }

        private RowTiles rows(int from, int count) {
            return new RowTiles(
                    Rounding.of(format.codes()), weights, format.inFeatures(), from, count, left, columns, moments);
        }

        private List<RowTiles> parts() {
            var parts = new ArrayList<RowTiles>();
            for (int from = top; from < top + rows; from += ROWS_AT_ONCE) {
                parts.add(rows(from, Math.min(ROWS_AT_ONCE, top + rows - from)));
            }
            return parts;
        }

        /** The largest number of each row, or the smallest; zero is always inside. */
        private float[] ends(boolean largest) {
            float[] ends = new float[rows];
            for (int row = 0; row < rows; row++) {
                int from = (top + row) * format.inFeatures() + left;
                for (int i = from; i < from + columns; i++) {
                    ends[row] = largest ? Math.max(ends[row], weights[i]) : Math.min(ends[row], weights[i]);
                }
            }
            return ends;
        }
    }
}
