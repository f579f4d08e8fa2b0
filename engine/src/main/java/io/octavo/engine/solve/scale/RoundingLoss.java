package io.octavo.engine.solve.scale;

import io.octavo.kernels.scale.Rounding;
import io.octavo.kernels.scale.RowTiles;

/** What rounding a weight to the nearest codes costs under scales that are there. */
public final class RoundingLoss {

    private static final int ROWS_AT_ONCE = 64;

    private RoundingLoss() {}

    /**
     * The sum of {@code importance * error²}; what {@link io.octavo.kernels.quantization.ScaleSearch} makes small.
     *
     * @param weights {@code [rows, inFeatures]}, whole rows of tiles but for the last
     * @param importance E[x²] of each input channel
     */
    public static double of(float[] weights, float[] importance, WeightFormat format, TileScales scales) {
        int columns = format.inFeatures();
        int rows = weights.length / columns;
        Rounding rounding = Rounding.of(format.codes());
        double loss = 0;
        for (int top = 0; top < rows; top += ROWS_AT_ONCE) {
            int count = Math.min(ROWS_AT_ONCE, rows - top);
            float[] rowScales = new float[count];
            float[] zeroPoints = new float[count];
            double[] losses = new double[count];
            for (int group = 0; group < format.groups(); group++) {
                int left = group * format.tileColumns();
                int width = Math.min(format.tileColumns(), columns - left);
                for (int row = 0; row < count; row++) {
                    int tile = (top + row) / format.tileRows() * format.groups() + group;
                    rowScales[row] = scales.scales()[tile] / format.divisor();
                    zeroPoints[row] = scales.zeroPoint(tile);
                }
                new RowTiles(rounding, weights, columns, top, count, left, width, importance)
                        .judge(rowScales, zeroPoints, losses);
                for (double part : losses) {
                    loss += part;
                }
            }
        }
        return loss;
    }
}
