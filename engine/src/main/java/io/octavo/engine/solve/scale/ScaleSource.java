package io.octavo.engine.solve.scale;

/** Chooses the scales of a weight, some rows at a time. Safe for use by several threads; the same rows give the same scales. */
@FunctionalInterface
public interface ScaleSource {

    /**
     * @param weights {@code [rows, inFeatures]} of one module, row-major and finite; whole rows of tiles, but for the last
     * @param importance E[x²] of each input channel, {@code [inFeatures]}, at least 0
     * @return of every tile, what is stored
     */
    TileScales choose(float[] weights, float[] importance, WeightFormat format);
}
