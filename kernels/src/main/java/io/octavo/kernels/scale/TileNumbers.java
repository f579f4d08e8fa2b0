package io.octavo.kernels.scale;

/** Tiles beside or below each other whose scales are sought together, each on its own. */
public interface TileNumbers {

    int tiles();

    /**
     * What rounding to the nearest codes costs under one scale for each tile: {@code sum of importance * error²}.
     *
     * @param scales {@code [tiles]}, with what they are stored relative to
     * @param zeroPoints {@code [tiles]}, whole numbers
     * @param losses receives {@code [tiles]}
     */
    void judge(float[] scales, float[] zeroPoints, double[] losses);
}
