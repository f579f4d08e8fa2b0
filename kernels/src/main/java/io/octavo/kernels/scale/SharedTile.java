package io.octavo.kernels.scale;

import java.util.Arrays;
import java.util.List;

/** One tile of several rows, judged row by row. */
public record SharedTile(List<RowTiles> parts) implements TileNumbers {

    public SharedTile {
        parts = List.copyOf(parts);
    }

    @Override
    public int tiles() {
        return 1;
    }

    @Override
    public void judge(float[] scales, float[] zeroPoints, double[] losses) {
        losses[0] = 0;
        for (RowTiles part : parts) {
            float[] rowScales = new float[part.tiles()];
            float[] rowZeroPoints = new float[part.tiles()];
            double[] rowLosses = new double[part.tiles()];
            Arrays.fill(rowScales, scales[0]);
            Arrays.fill(rowZeroPoints, zeroPoints[0]);
            part.judge(rowScales, rowZeroPoints, rowLosses);
            for (double loss : rowLosses) {
                losses[0] += loss;
            }
        }
    }
}
