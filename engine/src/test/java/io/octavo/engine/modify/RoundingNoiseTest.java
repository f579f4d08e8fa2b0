package io.octavo.engine.modify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against inputs and weights that are really rounded. */
class RoundingNoiseTest {

    private static final int COLUMNS = 96;
    private static final int ROWS = 24;
    private static final int TOKENS = 4000;

    private final RandomGenerator random = new SplittableRandom(17);

    @ParameterizedTest
    @ValueSource(doubles = {0, 0.5, 0.8})
    void isWhatRoundingAddsToOutputs(double alpha) {
        double[] sizes = new double[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            sizes[i] = i % 16 == 0 ? 30 : Math.exp(random.nextGaussian() / 2);
        }
        float[][] x = new float[TOKENS][COLUMNS];
        float[] magnitudes = new float[COLUMNS];
        float[] squares = new float[COLUMNS];
        for (float[] token : x) {
            for (int i = 0; i < COLUMNS; i++) {
                token[i] = (float) (random.nextGaussian() * sizes[i]);
                magnitudes[i] = Math.max(magnitudes[i], Math.abs(token[i]));
                squares[i] += token[i] * token[i] / TOKENS;
            }
        }
        float[] weights = new float[ROWS * COLUMNS];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        float[] scales = new float[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            scales[i] = (float) Math.pow(magnitudes[i], alpha);
        }
        var statistics =
                new FakeStatistics(m -> magnitudes, m -> squares, m -> magnitudes, m -> weights, Optional.empty());

        double expected = new RoundingNoise(new LinkedHashSet<>(List.of("m")), statistics, magnitudes, ROWS).of(scales);

        assertThat(expected).isCloseTo(measured(x, weights, magnitudes, scales), withPercentage(15));
    }

    /** The mean over tokens of the squared change of all outputs. */
    private static double measured(float[][] x, float[] weights, float[] magnitudes, float[] scales) {
        double inputStep = 0;
        for (int i = 0; i < COLUMNS; i++) {
            inputStep = Math.max(inputStep, magnitudes[i] / scales[i] / 127.5);
        }
        double[] rounded = new double[weights.length];
        for (int row = 0; row < ROWS; row++) {
            double step = 0;
            for (int i = 0; i < COLUMNS; i++) {
                step = Math.max(step, Math.abs(weights[row * COLUMNS + i] * scales[i]) / 127.5);
            }
            for (int i = 0; i < COLUMNS; i++) {
                double number = weights[row * COLUMNS + i] * (double) scales[i];
                rounded[row * COLUMNS + i] = Math.clamp(Math.rint(number / step), -128, 127) * step;
            }
        }
        double sum = 0;
        for (float[] token : x) {
            for (int row = 0; row < ROWS; row++) {
                double change = 0;
                for (int i = 0; i < COLUMNS; i++) {
                    double input = token[i] / scales[i];
                    double nearest = Math.clamp(Math.rint(input / inputStep), -128, 127) * inputStep;
                    change += nearest * rounded[row * COLUMNS + i] - token[i] * (double) weights[row * COLUMNS + i];
                }
                sum += change * change;
            }
        }
        return sum / x.length;
    }
}
