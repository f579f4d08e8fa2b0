package io.octavo.kernels.scale;

import io.octavo.kernels.number.ScaleFormat;
import io.octavo.kernels.quantization.ScaleSearch.Reach;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;

/**
 * The search for the scales of some tiles at once: from the scale of plain rounding over its neighbours, coarsely first, then
 * ever more finely around the best. What is no better than what was found before changes nothing.
 */
public final class ScaleSweep {

    /**
     * Losses are sums of squares of f32 differences; a gain that is smaller than what those may be wrong by is none. So no tile
     * ends worse than it began.
     */
    private static final double GAIN = 1 - 0x1p-12;

    /** Places of the range's ends that are tried for one scale, at most. */
    private static final int MOST_PLACES = 16;

    private final TileNumbers tiles;
    private final ScaleFormat format;
    private final Reach reach;
    private final float divisor;
    private final int[] rungs;
    private final float[] zeroPoints;
    private final double[] losses;
    private final int[] tried;
    private final float[] triedZeroPoints;
    private final float[] triedScales;
    private final double[] triedLosses;

    /**
     * @param rungs of plain rounding; receives those of the best
     * @param zeroPoints likewise
     * @param divisor what stored scales are divided by
     */
    public ScaleSweep(
            TileNumbers tiles, ScaleFormat format, Reach reach, float divisor, int[] rungs, float[] zeroPoints) {
        this.tiles = tiles;
        this.format = format;
        this.reach = reach;
        this.divisor = divisor;
        this.rungs = rungs;
        this.zeroPoints = zeroPoints;
        this.losses = new double[rungs.length];
        this.tried = new int[rungs.length];
        this.triedZeroPoints = zeroPoints.clone();
        this.triedScales = new float[rungs.length];
        this.triedLosses = new double[rungs.length];
        Arrays.fill(losses, Double.POSITIVE_INFINITY);
    }

    /** With zero points as they are. */
    public void symmetric() {
        offer(tile -> rungs[tile]);
        int[] plain = rungs.clone();
        for (int offset = -reach.below(); offset <= reach.above(); offset += reach.stride()) {
            int by = offset;
            offer(tile -> plain[tile] + by);
        }
        for (int step = reach.stride() / 2; step >= reach.finest(); step /= 2) {
            int by = step;
            int[] center = rungs.clone();
            offer(tile -> center[tile] - by);
            offer(tile -> center[tile] + by);
        }
    }

    /**
     * With both ends of the range: for each scale the range may lie anywhere between one that cuts off numbers above alone and
     * one that cuts them off below alone.
     *
     * @param min of each tile, at most 0
     * @param max likewise, at least 0
     */
    public void asymmetric(float[] min, float[] max, float lowest, float highest) {
        offer(tile -> rungs[tile]);
        int[] plain = rungs.clone();
        float[] first = new float[plain.length];
        float[] last = new float[plain.length];
        for (int offset = -reach.below(); offset <= reach.above(); offset += reach.stride()) {
            int places = 1;
            for (int tile = 0; tile < plain.length; tile++) {
                float scale = format.scale(plain[tile] + offset);
                float keepsMin = zeroPoint(lowest - min[tile] / scale, lowest, highest);
                float keepsMax = zeroPoint(highest - max[tile] / scale, lowest, highest);
                first[tile] = Math.min(keepsMin, keepsMax);
                last[tile] = Math.max(keepsMin, keepsMax);
                places = Math.max(places, (int) (last[tile] - first[tile]) + 1);
            }
            for (int place = 0; place < Math.min(places, MOST_PLACES); place++) {
                for (int tile = 0; tile < plain.length; tile++) {
                    triedZeroPoints[tile] = Math.min(first[tile] + place, last[tile]);
                }
                int by = offset;
                offer(tile -> plain[tile] + by);
            }
        }
        for (int step = reach.stride() / 2; step >= reach.finest(); step /= 2) {
            refine(step, lowest, highest);
        }
    }

    private void refine(int step, float lowest, float highest) {
        int[] center = rungs.clone();
        float[] centerZeroPoints = zeroPoints.clone();
        for (int by = -step; by <= step; by += step) {
            for (int shift = -1; shift <= 1; shift++) {
                for (int tile = 0; tile < center.length; tile++) {
                    triedZeroPoints[tile] = zeroPoint(centerZeroPoints[tile] + shift, lowest, highest);
                }
                int offset = by;
                offer(tile -> center[tile] + offset);
            }
        }
    }

    private static float zeroPoint(float exact, float lowest, float highest) {
        return (float) Math.rint(Math.clamp(exact, lowest, highest));
    }

    /** Keeps, tile by tile, what is better than the best so far. */
    private void offer(IntUnaryOperator rung) {
        for (int tile = 0; tile < tried.length; tile++) {
            tried[tile] = rung.applyAsInt(tile);
            triedScales[tile] = format.scale(tried[tile]) / divisor;
        }
        tiles.judge(triedScales, triedZeroPoints, triedLosses);
        for (int tile = 0; tile < tried.length; tile++) {
            if (triedLosses[tile] < losses[tile] * GAIN) {
                losses[tile] = triedLosses[tile];
                rungs[tile] = tried[tile];
                zeroPoints[tile] = triedZeroPoints[tile];
            }
        }
    }
}
