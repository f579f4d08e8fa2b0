package io.octavo.engine.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class MagnitudeHistogramTest {

    private static final int BINS = 1024;
    private static final double STEPS = 127.5;

    private final double[] magnitudes = magnitudes();

    /** Mostly of one size, some ten times as large. */
    private static double[] magnitudes() {
        RandomGenerator random = new SplittableRandom(23);
        double[] magnitudes = new double[400_000];
        for (int i = 0; i < magnitudes.length; i++) {
            magnitudes[i] = Math.abs(random.nextGaussian()) * (i % 100_000 == 0 ? 20 : 1);
        }
        return magnitudes;
    }

    private double absmax() {
        return Arrays.stream(magnitudes).max().orElseThrow();
    }

    private MagnitudeHistogram histogram(double end) {
        long[] counts = new long[BINS + 1];
        for (double magnitude : magnitudes) {
            counts[(int) Math.min(magnitude / end * BINS, BINS - 1)]++;
        }
        return new MagnitudeHistogram(counts, end / BINS);
    }

    /** The sum of squared errors of numbers that are really rounded and cut off. */
    private double error(double limit) {
        double step = limit / STEPS;
        double error = 0;
        for (double magnitude : magnitudes) {
            double rounded = Math.min(Math.rint(magnitude / step), 127) * step;
            error += (rounded - magnitude) * (rounded - magnitude);
        }
        return error;
    }

    @Test
    void cutsOffWhereRoundingCostsLeast() {
        double limit = histogram(1.5 * absmax()).leastError(STEPS, absmax());

        double least = error(absmax());
        for (double candidate = absmax() / 100; candidate < absmax(); candidate += absmax() / 100) {
            least = Math.min(least, error(candidate));
        }
        assertThat(limit).isLessThan(0.8 * absmax());
        assertThat(error(limit)).isLessThan(1.05 * least).isLessThan(error(absmax()));
    }

    @Test
    void cutsOffNothingWhereMagnitudesAreSpreadEvenly() {
        long[] counts = new long[BINS + 1];
        Arrays.fill(counts, 0, BINS / 2, 100);

        assertThat(new MagnitudeHistogram(counts, 1).leastError(STEPS, BINS / 2.0))
                .isGreaterThan(0.98 * BINS / 2);
    }

    @Test
    void aPercentileIsTheEdgeOfItsBin() {
        double[] ordered = magnitudes.clone();
        Arrays.sort(ordered);
        double end = 1.5 * absmax();

        double percentile = histogram(end).percentile(0.99);

        assertThat(percentile).isCloseTo(ordered[(int) (0.99 * ordered.length)], within(2 * end / BINS));
        assertThat(histogram(absmax() / 10).percentile(1)).isEqualTo(Double.POSITIVE_INFINITY);
    }
}
