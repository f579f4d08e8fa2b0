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

abstract class InverseFactorContract extends BackendContract {

    InverseFactorContract(IntFunction<Backend> open) {
        super(open);
    }

    /** {@code x^T x / n} of three times as many tokens as columns, damped as GPTQ does. */
    private static float[] hessian(RandomGenerator random, int n) {
        int tokens = 3 * n;
        float[] x = gaussian(random, tokens * n, 1);
        float[] h = new float[n * n];
        for (int i = 0; i < n; i++) {
            for (int j = i; j < n; j++) {
                double sum = i == j ? 0.01 * n : 0;
                for (int token = 0; token < tokens; token++) {
                    sum += x[token * n + i] * x[token * n + j];
                }
                h[i * n + j] = (float) (sum / n);
                h[j * n + i] = i == j ? h[i * n + j] : Float.NaN;
            }
        }
        return h;
    }

    /**
     * {@code u h u^T} is the identity, as {@code u = r^-1}, but for n roundings of sums times the condition of {@code h}, which
     * is some 14; what lies below the diagonal of {@code h} is neither read nor written.
     */
    @ParameterizedTest
    @CsvSource({"1,1", "1,2", "2,31", "1,127", "1,128", "3,129", "1,200", "1,257", "2,300"})
    void factorsTheInverse(int count, int n) {
        RandomGenerator random = random(n);
        float[][] hessians = new float[count][];
        float[] all = new float[count * n * n];
        for (int matrix = 0; matrix < count; matrix++) {
            hessians[matrix] = hessian(random, n);
            System.arraycopy(hessians[matrix], 0, all, matrix * n * n, n * n);
        }
        Matrix matrices = inOut((long) count * n, n, all);
        Matrix failures = output(DType.I32, 1, count);
        backend.operations().inverseFactor().factor(matrices, failures, stream);
        assertThat(readInts(failures)).containsOnly(0);
        float[] found = floats(matrices);
        for (int matrix = 0; matrix < count; matrix++) {
            check(hessians[matrix], Arrays.copyOfRange(found, matrix * n * n, (matrix + 1) * n * n), n);
        }
    }

    private static void check(float[] h, float[] u, int n) {
        double[][] product = new double[n][n];
        for (int i = 0; i < n; i++) {
            for (int l = i; l < n; l++) {
                for (int j = 0; j < n; j++) {
                    product[i][j] += (double) u[i * n + l] * h[l <= j ? l * n + j : j * n + l];
                }
            }
        }
        double worst = 0;
        for (int i = 0; i < n; i++) {
            assertThat(u[i * n + i]).isPositive();
            for (int j = 0; j < n; j++) {
                double sum = i == j ? -1 : 0;
                for (int l = j; l < n; l++) {
                    sum += product[i][l] * u[j * n + l];
                }
                worst = Math.max(worst, Math.abs(sum));
            }
            for (int j = 0; j < i; j++) {
                assertThat(u[i * n + j]).isNaN();
            }
        }
        assertThat(worst).isLessThan((n + 4) * 16 * ROUNDING);
    }

    @Test
    void tellsTheFirstColumnThatIsNotPositive() {
        int n = 200;
        float[] h = new float[3 * n * n];
        for (int matrix = 0; matrix < 3; matrix++) {
            for (int i = 0; i < n; i++) {
                h[(matrix * n + i) * n + i] = 2;
            }
        }
        h[(n + 17) * n + 17] = -1;
        h[(n + 150) * n + 150] = 0;
        h[(2 * n + 5) * n + 5] = Float.NaN;
        Matrix failures = output(DType.I32, 1, 3);
        backend.operations().inverseFactor().factor(inOut(3L * n, n, h), failures, stream);
        assertThat(readInts(failures)).containsExactly(0, 151, 6);
    }

    @Test
    void theSameNumbersGiveTheSameBits() {
        int n = 260;
        float[] h = hessian(random(1), n);
        byte[] first = null;
        for (int threads : new int[] {1, 2, 3}) {
            Matrix matrix = inOut(n, n, h);
            withThreads(threads, () -> {
                Matrix failures = output(DType.I32, 1, 1);
                backend.operations().inverseFactor().factor(matrix, failures, stream);
            });
            first = first == null ? bytes(matrix) : first;
            assertThat(bytes(matrix)).as("%d threads", threads).isEqualTo(first);
        }
    }

    @ParameterizedTest
    @CsvSource({"1", "31", "33", "70"})
    void copiesTrianglesAlone(int n) {
        float[] numbers = gaussian(random(n), n * n, 1);
        for (int i = 0; i < n; i++) {
            Arrays.fill(numbers, i * n, i * n + i, Float.NaN);
        }
        Matrix u = inOut(n, n, numbers);
        Matrix upper = output(DType.F32, n, n);
        Matrix lower = output(DType.F32, n, n);
        backend.operations().inverseFactor().triangle(u, false, upper, stream);
        backend.operations().inverseFactor().triangle(u, true, lower, stream);
        float[] upperFound = floats(upper);
        float[] lowerFound = floats(lower);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                float expected = j < i ? 0 : numbers[i * n + j];
                assertThat(upperFound[i * n + j]).isEqualTo(expected);
                assertThat(lowerFound[j * n + i]).isEqualTo(expected);
            }
        }
    }

    @Test
    void rejectsMatricesThatAreNotSquare() {
        Matrix failures = output(DType.I32, 1, 1);
        Matrix oblong = inOut(1, 2, 0, 0);
        assertThatThrownBy(() -> backend.operations().inverseFactor().factor(oblong, failures, stream))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
