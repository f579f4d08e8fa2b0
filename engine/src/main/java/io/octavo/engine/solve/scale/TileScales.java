package io.octavo.engine.solve.scale;

import java.util.Arrays;

/**
 * Scales of a weight's tiles, exactly as they are stored: {@code w ≈ (code - zeroPoint) * scale / divisor}, the divisor being
 * that of the {@link WeightFormat}.
 *
 * @param scales {@code [tileRows, groups]}, every one a number of the stored type; powers of two for MX formats. Owned by this
 * @param zeroPoints of the same shape; empty for symmetric weights. Owned by this
 */
@SuppressWarnings("ArrayRecordComponent") // Numbers by the million that are filled in place; nobody compares them.
public record TileScales(float[] scales, byte[] zeroPoints) {

    public TileScales {
        if (zeroPoints.length != 0 && zeroPoints.length != scales.length) {
            throw new IllegalArgumentException(zeroPoints.length + " zero points for " + scales.length + " scales");
        }
    }

    /** Those of symmetric weights. */
    public TileScales(float[] scales) {
        this(scales, new byte[0]);
    }

    public int zeroPoint(int tile) {
        return zeroPoints.length == 0 ? 0 : zeroPoints[tile];
    }

    /** A copy of some tiles. */
    public TileScales tiles(int from, int to) {
        byte[] points = zeroPoints.length == 0 ? zeroPoints : Arrays.copyOfRange(zeroPoints, from, to);
        return new TileScales(Arrays.copyOfRange(scales, from, to), points);
    }

    /** Copies the scales of some tiles over those from {@code tile} on. */
    public void put(TileScales some, int tile) {
        System.arraycopy(some.scales, 0, scales, tile, some.scales.length);
        if (zeroPoints.length > 0) {
            System.arraycopy(some.zeroPoints, 0, zeroPoints, tile, some.zeroPoints.length);
        }
    }
}
