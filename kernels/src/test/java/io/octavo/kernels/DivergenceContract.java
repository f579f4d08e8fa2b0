package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class DivergenceContract extends BackendContract {

    DivergenceContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"1,1,1", "3,2,1", "40,17,0.1", "5,64,3", "7,100,0.001", "3,8192,0.1", "2,32001,1", "1,128256,0.01"})
    void comparesDistributions(int rows, int columns, double distance) {
        RandomGenerator random = random(columns);
        float[] reference = gaussian(random, rows * columns, 3);
        float[] logits = gaussian(random, rows * columns, distance);
        for (int i = 0; i < logits.length; i++) {
            logits[i] += reference[i] + 100;
        }
        check(rows, columns, reference, logits);
        check(rows, columns, logits, reference);
    }

    /** What is largest so far moves all the time. */
    @ParameterizedTest
    @CsvSource({"4,9000,0.01,1", "4,20000,0.0005,100", "3,30000,1,3", "3,20000,-0.01,1", "2,40000,7,0.001"})
    void followsLogitsThatRise(int rows, int columns, double slope, double distance) {
        RandomGenerator random = random(columns);
        float[] reference = gaussian(random, rows * columns, 1);
        float[] logits = gaussian(random, rows * columns, distance);
        for (int i = 0; i < logits.length; i++) {
            reference[i] += (float) (slope * (i % columns));
            logits[i] += reference[i];
        }
        check(rows, columns, reference, logits);
        check(rows, columns, logits, reference);
    }

    @Test
    void equalRowsDoNotDiverge() {
        float[] logits = gaussian(random(1), 5 * 1000, 4);
        check(5, 1000, logits, logits);
    }

    @Test
    void impossibleTokensCostWhatTheyAreWorth() {
        float none = Float.NEGATIVE_INFINITY;
        float[] reference = {0, 0, none, 1, none, none, 0, 0, 0};
        float[] logits = {0, 0, 5, none, none, 1, 0, 0, none};
        Matrix divergence = output(DType.F32, 1, 3);
        Matrix agreement = output(DType.I32, 1, 3);
        compare(3, 3, reference, logits, divergence, agreement);
        assertThat(floats(divergence)[0]).isBetween(4.31f, 4.33f);
        assertThat(floats(divergence)[1]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(floats(divergence)[2]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(readInts(agreement)).containsExactly(0, 0, 1);
    }

    @Test
    void theSmallestOfEqualIndicesIsTheOneThatMustAgree() {
        float[] reference = {1, 2, 2, 0, 3, 3};
        float[] logits = {1, 2, 2, 0, 3, 4};
        Matrix divergence = output(DType.F32, 1, 2);
        Matrix agreement = output(DType.I32, 1, 2);
        compare(2, 3, reference, logits, divergence, agreement);
        assertThat(readInts(agreement)).containsExactly(1, 0);
    }

    @Test
    void notANumberIsReported() {
        float[] numbers = gaussian(random(1), 2 * 40, 1);
        float[] others = numbers.clone();
        numbers[17] = Float.NaN;
        others[40] = Float.NaN;
        Matrix divergence = output(DType.F32, 1, 2);
        Matrix agreement = output(DType.I32, 1, 2);
        compare(2, 40, numbers, others, divergence, agreement);
        assertThat(floats(divergence)).containsExactly(Float.NaN, Float.NaN);
        assertThat(readInts(agreement)).containsExactly(-1, -1);
    }

    @Test
    void rejectsRowsOfDifferentLengths() {
        Matrix divergence = output(DType.F32, 1, 1);
        Matrix agreement = output(DType.I32, 1, 1);
        assertThatThrownBy(() -> backend.operations()
                        .divergence()
                        .compare(
                                input(DType.F32, 1, 2, 0, 0), input(DType.F32, 1, 1, 0), divergence, agreement, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("logits is 1 x 1, expected 1 x 2");
    }

    private void compare(
            int rows, int columns, float[] reference, float[] logits, Matrix divergence, Matrix agreement) {
        backend.operations()
                .divergence()
                .compare(
                        input(DType.F32, rows, columns, reference),
                        input(DType.F32, rows, columns, logits),
                        divergence,
                        agreement,
                        stream);
    }

    /**
     * A weight's relative error is that of a difference's rounding (2^-24 of it, at most 24 before the weight is nothing) and
     * of exp, some 2^-20 together, and as much again where a sum moves to another base, once before it is nothing; the sums in
     * f32 add half a unit for each of a few hundred terms. It meets each logit's difference, and the logarithms of both sums.
     */
    private void check(int rows, int columns, float[] reference, float[] logits) {
        Matrix divergence = output(DType.F32, 1, rows);
        Matrix agreement = output(DType.I32, 1, rows);
        compare(rows, columns, reference, logits, divergence, agreement);
        float[] actual = floats(divergence);
        int[] agreements = readInts(agreement);
        for (int row = 0; row < rows; row++) {
            double[] p = logProbabilities(Arrays.copyOfRange(reference, row * columns, (row + 1) * columns));
            double[] q = logProbabilities(Arrays.copyOfRange(logits, row * columns, (row + 1) * columns));
            double expected = 0;
            double spread = 0;
            int best = 0;
            int found = 0;
            for (int c = 0; c < columns; c++) {
                expected += Math.exp(p[c]) * (p[c] - q[c]);
                spread += Math.exp(p[c]) * Math.abs(p[c] - q[c]);
                best = p[c] > p[best] ? c : best;
                found = q[c] > q[found] ? c : found;
            }
            assertWithin(actual[row], expected, (2 + spread) * 0x1p-18, "row of rows, columns", row, rows, columns);
            assertThat(agreements[row]).isEqualTo(best == found ? 1 : 0);
        }
    }

    private static double[] logProbabilities(float[] logits) {
        double max = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - max);
        }
        double[] result = new double[logits.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = logits[i] - max - Math.log(sum);
        }
        return result;
    }
}
