package io.octavo.engine.modify;

import io.octavo.engine.model.ModelSpec;
import io.octavo.engine.solve.scale.RangeScales;
import io.octavo.engine.solve.scale.RoundingLoss;
import io.octavo.engine.solve.scale.WeightFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Gives input channels that matter larger weights, so that rounding costs them less (AWQ, arXiv 2306.00978): columns of Linears
 * that read one input are multiplied by {@code x^r / w^(1 - r)} or {@code x^r}, and the input is divided by that. {@code x} is the
 * root of E[x²] of the channel, {@code w} the mean of its weights relative to the largest of their group; {@code r} is the one
 * of a grid under which plain rounding changes outputs least, or none if nothing does better than to leave all as it is.
 *
 * <p>How far outputs change follows from E[x²]: errors of a rounded weight hardly depend on each other. Ranges that cut off the
 * largest numbers, AWQ's clipping, are what a search of scales finds afterwards.
 */
public record Awq() implements ChannelModifier {

    private static final int STEPS = 20;

    /** Rows of a weight that are looked at. */
    private static final int MOST_ROWS = 512;

    private static final int ROWS_AT_ONCE = 64;

    /** So that no scale makes numbers vanish, and none is made of a weight that is always zero. */
    private static final double SMALLEST = 1e-4;

    @Override
    public String name() {
        return "awq";
    }

    @Override
    public Set<String> weighed(ModelSpec spec) {
        return ChannelMapping.firstReaders(spec);
    }

    @Override
    public Optional<float[]> scales(ChannelMapping mapping, LinearStatistics statistics) {
        var weights = new Weights(mapping, statistics);
        float[] ones = new float[weights.squares.length];
        Arrays.fill(ones, 1);
        List<float[]> tried = new ArrayList<>(List.of(ones));
        float[] means = weights.relativeMeans();
        for (boolean byWeight : new boolean[] {true, false}) {
            for (int step = 1; step <= STEPS; step++) {
                float[] scales = scales(weights.squares, means, (double) step / STEPS, byWeight);
                mapping.tie(scales);
                normalize(scales);
                tried.add(scales);
            }
        }
        float[] best = Candidates.cheapest(tried, weights::loss);
        return Arrays.equals(best, ones) ? Optional.empty() : Optional.of(best);
    }

    private static float[] scales(float[] squares, float[] means, double ratio, boolean byWeight) {
        float[] scales = new float[squares.length];
        for (int channel = 0; channel < scales.length; channel++) {
            double scale = Math.pow(squares[channel], ratio / 2);
            double divisor = byWeight ? Math.pow(means[channel], 1 - ratio) + SMALLEST : 1;
            scales[channel] = (float) Math.max(scale / divisor, SMALLEST);
        }
        return scales;
    }

    /** The largest and the smallest lie as far above 1 as below it. */
    private static void normalize(float[] scales) {
        double largest = 0;
        double smallest = Double.POSITIVE_INFINITY;
        for (float scale : scales) {
            largest = Math.max(largest, scale);
            smallest = Math.min(smallest, scale);
        }
        double middle = Math.sqrt(largest * smallest);
        for (int channel = 0; channel < scales.length; channel++) {
            scales[channel] = (float) (scales[channel] / middle);
        }
    }

    /** Those that read one input. */
    private static final class Weights {

        private final LinearStatistics statistics;
        private final float[] squares;
        private final List<String> modules = new ArrayList<>();
        private final List<float[]> rows = new ArrayList<>();

        Weights(ChannelMapping mapping, LinearStatistics statistics) {
            this.statistics = statistics;
            this.squares = statistics.inputSquares(mapping.linears().getFirst());
            for (String module : mapping.linears()) {
                if (statistics.format(module, 1).isPresent()) {
                    modules.add(module);
                    rows.add(statistics.weightRows(module, MOST_ROWS));
                }
            }
        }

        /** Of each column the mean magnitude, as a share of the largest of its group. */
        float[] relativeMeans() {
            double[] sums = new double[squares.length];
            long count = 0;
            for (int i = 0; i < modules.size(); i++) {
                float[] numbers = rows.get(i);
                int group = statistics.format(modules.get(i), 1).orElseThrow().tileColumns();
                for (int from = 0; from < numbers.length; from += squares.length) {
                    addShares(numbers, from, group, sums);
                    count++;
                }
            }
            float[] means = new float[sums.length];
            for (int channel = 0; channel < means.length; channel++) {
                means[channel] = (float) (sums[channel] / Math.max(count, 1));
            }
            return means;
        }

        private static void addShares(float[] numbers, int from, int group, double[] sums) {
            for (int left = 0; left < sums.length; left += group) {
                int right = Math.min(left + group, sums.length);
                float absmax = Float.MIN_NORMAL;
                for (int column = left; column < right; column++) {
                    absmax = Math.max(absmax, Math.abs(numbers[from + column]));
                }
                for (int column = left; column < right; column++) {
                    sums[column] += Math.abs(numbers[from + column]) / absmax;
                }
            }
        }

        /** What plain rounding of the scaled weights costs. */
        double loss(float[] scales) {
            float[] importance = new float[scales.length];
            for (int channel = 0; channel < scales.length; channel++) {
                importance[channel] = squares[channel] / scales[channel] / scales[channel];
            }
            float absmax = 0;
            for (float[] numbers : rows) {
                for (int i = 0; i < numbers.length; i++) {
                    absmax = Math.max(absmax, Math.abs(numbers[i] * scales[i % scales.length]));
                }
            }
            double loss = 0;
            for (int i = 0; i < modules.size(); i++) {
                WeightFormat format = statistics.format(modules.get(i), absmax).orElseThrow();
                float[] numbers = rows.get(i);
                int step = rowsAtOnce(format) * scales.length;
                for (int from = 0; from < numbers.length; from += step) {
                    float[] scaled = Arrays.copyOfRange(numbers, from, Math.min(from + step, numbers.length));
                    for (int j = 0; j < scaled.length; j++) {
                        scaled[j] *= scales[j % scales.length];
                    }
                    loss += RoundingLoss.of(scaled, importance, format, new RangeScales().choose(scaled, format));
                }
            }
            return loss;
        }

        /** Whole tiles; as few rows as that allows, since many scales are tried at once. */
        private static int rowsAtOnce(WeightFormat format) {
            return format.tileRows() == Integer.MAX_VALUE ? ROWS_AT_ONCE : Math.max(ROWS_AT_ONCE, format.tileRows());
        }
    }
}
