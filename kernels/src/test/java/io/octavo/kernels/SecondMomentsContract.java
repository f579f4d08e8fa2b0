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

abstract class SecondMomentsContract extends BackendContract {

    SecondMomentsContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "3,8", "63,264", "64,256", "65,257", "130,520", "17,33", "300,40", "200,600"})
    void addsProductsOfColumns(int tokens, int columns) {
        RandomGenerator random = random(tokens);
        Matrix x = input(DType.BF16, tokens, columns, gaussian(random, tokens * columns, 2));
        float[] before = gaussian(random, columns * columns, 3);
        Matrix sums = inOut(columns, columns, before);
        backend.operations().secondMoments().accumulate(x, sums, stream);
        backend.operations().secondMoments().mirror(sums, stream);
        float[] actual = floats(sums);
        float[] values = floats(x);
        for (int i = 0; i < columns; i++) {
            for (int j = i; j < columns; j++) {
                check(values, tokens, columns, i, j, before[i * columns + j], actual[i * columns + j]);
                assertThat(actual[j * columns + i]).isEqualTo(actual[i * columns + j]);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "3,8", "65,257", "130,520", "17,33", "300,40", "200,600", "70,2312"})
    void addsProductsOfColumnsOfTwo(int tokens, int columns) {
        RandomGenerator random = random(tokens + columns);
        Matrix x = input(DType.BF16, tokens, columns, gaussian(random, tokens * columns, 2));
        Matrix y = input(DType.BF16, tokens, columns, gaussian(random, tokens * columns, 0.5f));
        float[] before = gaussian(random, columns * columns, 3);
        Matrix sums = inOut(columns, columns, before);
        backend.operations().secondMoments().accumulate(x, y, sums, stream);
        float[] left = floats(x);
        float[] right = floats(y);
        float[] actual = floats(sums);
        int step = columns > 1000 ? 7 : 1;
        for (int i = 0; i < columns; i += step) {
            for (int j = 0; j < columns; j++) {
                double expected = before[i * columns + j];
                double magnitude = Math.abs(expected);
                for (int token = 0; token < tokens; token++) {
                    double product = (double) left[token * columns + i] * right[token * columns + j];
                    expected += product;
                    magnitude += Math.abs(product);
                }
                assertWithin(actual[i * columns + j], expected, (tokens + 2) * ROUNDING * magnitude, "columns", i, j);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1,1", "0,5", "3,33", "200,70", "1000,32", "33,300"})
    void addsSquaresOfColumns(int tokens, int columns) {
        RandomGenerator random = random(tokens + columns);
        float[] values = gaussian(random, tokens * columns, 2);
        float[] before = gaussian(random, columns, 3);
        Matrix sums = inOut(1, columns, before);
        backend.operations().secondMoments().squares(inOut(tokens, columns, values), sums, stream);
        float[] actual = floats(sums);
        for (int j = 0; j < columns; j++) {
            double expected = before[j];
            for (int token = 0; token < tokens; token++) {
                expected += (double) values[token * columns + j] * values[token * columns + j];
            }
            double magnitude = Math.abs(before[j]) + Math.abs(expected - before[j]);
            assertWithin(actual[j], expected, (tokens + 2) * ROUNDING * magnitude, "column", j, 0);
        }
    }

    /** One rounding, or cutting off, of no more than all magnitudes a token, and those of the sum of before. */
    static void check(float[] x, int tokens, int columns, int i, int j, float before, float actual) {
        double expected = before;
        double magnitude = Math.abs(before);
        for (int token = 0; token < tokens; token++) {
            double product = (double) x[token * columns + i] * x[token * columns + j];
            expected += product;
            magnitude += Math.abs(product);
        }
        assertWithin(actual, expected, (tokens + 2) * ROUNDING * magnitude, "columns", i, j);
    }

    @Test
    void theSameNumbersGiveTheSameBits() {
        int columns = 520;
        float[] values = gaussian(random(1), 150 * columns, 1);
        byte[] first = null;
        for (int threads : new int[] {1, 2, 3}) {
            Matrix x = input(DType.BF16, 150, columns, values);
            Matrix sums = inOut(columns, columns, new float[columns * columns]);
            withThreads(threads, () -> {
                backend.operations().secondMoments().accumulate(x, sums, stream);
                backend.operations().secondMoments().accumulate(x.rows(7, 90), sums, stream);
                backend.operations().secondMoments().mirror(sums, stream);
            });
            if (first == null) {
                first = bytes(sums);
            }
            assertThat(bytes(sums)).as("%d threads", threads).isEqualTo(first);
        }
    }

    @Test
    void notANumberReachesItsColumnsAlone() {
        int columns = 24;
        float[] values = gaussian(random(2), 70 * columns, 1);
        values[66 * columns + 5] = Float.NaN;
        Matrix sums = inOut(columns, columns, new float[columns * columns]);
        backend.operations().secondMoments().accumulate(input(DType.BF16, 70, columns, values), sums, stream);
        backend.operations().secondMoments().mirror(sums, stream);
        float[] found = floats(sums);
        for (int i = 0; i < found.length; i++) {
            assertThat(Float.isNaN(found[i])).isEqualTo(i / columns == 5 || i % columns == 5);
        }
    }

    @Test
    void comesInAnotherOrderWithMoreOnTheDiagonal() {
        int columns = 70;
        float[] values = gaussian(random(3), columns * columns, 1);
        int[] order = new int[columns];
        Arrays.setAll(order, i -> (i * 29 + 3) % columns);
        Matrix sums = inOut(columns, columns, values);
        Matrix arranged = output(DType.F32, columns, columns);
        Matrix scaled = output(DType.F32, columns, columns);
        Matrix diagonal = output(DType.F32, 1, columns);
        backend.operations().secondMoments().arrange(sums, ints(order), inOut(1, 2, 1, 0.5f), arranged, stream);
        backend.operations().secondMoments().arrange(sums, null, inOut(1, 2, 0.1f, 0), scaled, stream);
        backend.operations().secondMoments().diagonal(sums, diagonal, stream);
        backend.operations().secondMoments().arrange(sums, null, inOut(1, 2, 0.1f, 0), sums, stream);
        assertThat(floats(sums)).isEqualTo(floats(scaled));
        float[] diagonalFound = floats(diagonal);
        float[] arrangedFound = floats(arranged);
        float[] scaledFound = floats(scaled);
        for (int i = 0; i < columns; i++) {
            assertThat(diagonalFound[i]).isEqualTo(values[i * columns + i]);
            for (int j = 0; j < columns; j++) {
                float moved = values[order[i] * columns + order[j]];
                assertThat(arrangedFound[i * columns + j]).isEqualTo(i == j ? moved + 0.5f : moved);
                assertThat(scaledFound[i * columns + j]).isEqualTo(values[i * columns + j] * 0.1f);
            }
        }
    }

    @Test
    void rejectsOrdersThatDoNotFit() {
        Matrix sums = inOut(2, 2, 0, 0, 0, 0);
        Matrix out = output(DType.F32, 2, 2);
        Matrix shares = inOut(1, 2, 1, 0);
        assertThatThrownBy(() -> backend.operations().secondMoments().arrange(sums, ints(0), shares, out, stream))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> backend.operations().secondMoments().diagonal(sums, out, stream))
                .isInstanceOf(IllegalArgumentException.class);
        if (checksIndices()) {
            assertThatThrownBy(
                            () -> backend.operations().secondMoments().arrange(sums, ints(0, 2), shares, out, stream))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void rejectsSumsThatDoNotFit() {
        Matrix x = input(DType.BF16, 1, 3, 1, 2, 3);
        Matrix sums = inOut(2, 2, 0, 0, 0, 0);
        assertThatThrownBy(() -> backend.operations().secondMoments().accumulate(x, sums, stream))
                .isInstanceOf(IllegalArgumentException.class);
        Matrix oblong = inOut(1, 2, 0, 0);
        assertThatThrownBy(() -> backend.operations().secondMoments().mirror(oblong, stream))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
