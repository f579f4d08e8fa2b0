package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

abstract class MatMulContract extends BackendContract {

    MatMulContract(IntFunction<Backend> open) {
        super(open);
    }

    /** Around one row, the limit between few and many rows, the tile of 6 x 64 and the blocks of 120 and 512. */
    @ParameterizedTest
    @CsvSource({
        "1,1,1",
        "1,64,512",
        "2,3,5",
        "3,65,17",
        "5,63,16",
        "6,64,15",
        "7,1,64",
        "8,129,100",
        "9,64,512",
        "9,1,1",
        "10,65,513",
        "12,127,31",
        "17,33,1025",
        "31,7,511",
        "64,64,64",
        "119,13,48",
        "120,66,80",
        "121,513,33",
        "127,63,65",
        "481,70,24",
        "0,4,4",
        "4,0,4",
        "9,0,4",
        "3,3,0",
        "12,5,0"
    })
    void multipliesEveryShape(int m, int n, int k) {
        RandomGenerator random = random(31L * m + 7L * n + k);
        Matrix a = input(DType.F32, m, k, gaussian(random, m * k, 1));
        Matrix w = input(DType.F32, n, k, gaussian(random, n * k, 1));
        check(ScaledMatrix.plain(a), ScaledMatrix.plain(w));
    }

    /** On a GPU in parts of BF16, of which the smallest product is left out: 2^-16 of a product, and what sums lose. */
    @Test
    void multipliesLargeMatricesOfNumbers() {
        int m = 512;
        int n = 520;
        int k = 520;
        RandomGenerator random = random(11);
        Matrix a = input(DType.F32, m, k, gaussian(random, m * k, 1));
        Matrix w = input(DType.F32, n, k, gaussian(random, n * k, 1));
        Matrix out = output(DType.F32, m, n);
        backend.operations().matMul().multiply(ScaledMatrix.plain(a), ScaledMatrix.plain(w), out, stream);
        float[] left = floats(a);
        float[] right = floats(w);
        float[] actual = floats(out);
        double error = 0;
        double norm = 0;
        for (int row = 0; row < m; row++) {
            for (int column = 0; column < n; column++) {
                double expected = 0;
                for (int i = 0; i < k; i++) {
                    expected += (double) left[row * k + i] * right[column * k + i];
                }
                error += Math.pow(actual[row * n + column] - expected, 2);
                norm += expected * expected;
            }
        }
        assertThat(Math.sqrt(error / norm)).isLessThan(2e-5);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16", "F8_E4M3", "I8"})
    void readsEveryWeightType(DType dtype) {
        RandomGenerator random = random(dtype.bytes());
        for (int m : new int[] {3, 20}) {
            Matrix a = input(DType.F32, m, 83, gaussian(random, m * 83, 1));
            Matrix w = input(dtype, 37, 83, gaussian(random, 37 * 83, 30));
            check(ScaledMatrix.plain(a), ScaledMatrix.plain(w));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16", "F8_E4M3", "I8"})
    void readsEveryActivationType(DType dtype) {
        RandomGenerator random = random(100 + dtype.bytes());
        for (int m : new int[] {2, 25}) {
            Matrix a = input(dtype, m, 67, gaussian(random, m * 67, 30));
            Matrix perRow = input(DType.F32, m, 1, gaussian(random, m, 1));
            Matrix w = input(DType.BF16, 19, 67, gaussian(random, 19 * 67, 1));
            check(new ScaledMatrix(a, perRow), ScaledMatrix.plain(w));
        }
    }

    /** Around the tiles of tensor cores, with rows of whole 16-byte vectors, as models have them. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F8_E4M3", "I8"})
    void multipliesOperandsOfOneType(DType dtype) {
        RandomGenerator random = random(300 + dtype.bytes());
        int[] ms = {1, 2, 8, 9, 16, 17, 63, 65, 127, 129, 200};
        int[] ns = {8, 64, 66, 130, 1, 257, 33, 512, 128, 72, 65};
        int[] ks = {16, 32, 64, 80, 128, 144, 256, 272, 512, 528, 1040};
        for (int i = 0; i < ms.length; i++) {
            int m = ms[i];
            int n = ns[i];
            int k = ks[i];
            Matrix a = input(dtype, m, k, gaussian(random, m * k, 30));
            Matrix w = input(dtype, n, k, gaussian(random, n * k, 30));
            if (dtype == DType.BF16) {
                check(ScaledMatrix.plain(a), ScaledMatrix.plain(w));
            } else {
                Matrix perToken = input(DType.F32, m, 1, gaussian(random, m, 0.01));
                Matrix perChannel = input(DType.BF16, n, 1, gaussian(random, n, 0.01));
                Matrix one = input(DType.F32, 1, 1, 0.37f);
                check(new ScaledMatrix(a, perToken), new ScaledMatrix(w, perChannel));
                check(new ScaledMatrix(a, one), new ScaledMatrix(w, one));
                check(ScaledMatrix.plain(a), ScaledMatrix.plain(w));
            }
        }
    }

    /** More tiles than any device has multiprocessors, so that some compute several. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F8_E4M3", "I8"})
    void multipliesManyTiles(DType dtype) {
        RandomGenerator random = random(500 + dtype.bytes());
        Matrix a = input(dtype, 1030, 48, gaussian(random, 1030 * 48, 30));
        Matrix w = input(dtype, 4360, 48, gaussian(random, 4360 * 48, 30));
        check(ScaledMatrix.plain(a), ScaledMatrix.plain(w));
    }

    /** Weight-only: around the numbers of rows that kernels are made for, slices of k, and groups of every size. */
    @ParameterizedTest
    @EnumSource(names = {"F8_E4M3", "I8"})
    void multipliesHalfActivationsWithCodes(DType dtype) {
        RandomGenerator random = random(600 + dtype.bytes());
        int[] ms = {1, 2, 7, 8, 9, 16, 17, 31, 33, 64, 65, 130};
        int[] ns = {8, 64, 130, 1, 257, 33, 128, 72, 65, 40, 129, 31};
        int[] ks = {32, 96, 128, 160, 528, 2176, 1056, 4096, 96, 640, 288, 144};
        for (int i = 0; i < ms.length; i++) {
            int n = ns[i];
            int k = ks[i];
            ScaledMatrix a = ScaledMatrix.plain(input(DType.BF16, ms[i], k, gaussian(random, ms[i] * k, 1)));
            Matrix w = input(dtype, n, k, gaussian(random, n * k, 30));
            check(a, ScaledMatrix.plain(w));
            check(a, new ScaledMatrix(w, input(DType.F32, 1, 1, 0.37f)));
            for (int group : new int[] {16, 32, 64, 128, k}) {
                if (k % group == 0) {
                    int scales = n * k / group;
                    check(a, new ScaledMatrix(w, input(DType.F32, n, k / group, gaussian(random, scales, 0.01))));
                    check(a, new ScaledMatrix(w, input(DType.BF16, n, k / group, gaussian(random, scales, 0.01))));
                }
            }
        }
    }

    /** Whole tiles of every shape that kernels have, a bit less and more, and slices of k. */
    @ParameterizedTest
    @CsvSource({
        "40, 29000, 32",
        "120, 29000, 48",
        "250, 14001, 32",
        "60, 200, 4096",
        "128, 130, 2304",
        "300, 520, 1152",
        "513, 1031, 640"
    })
    void multipliesTilesOfEveryShape(int m, int n, int k) {
        for (DType dtype : new DType[] {DType.BF16, DType.F8_E4M3, DType.I8}) {
            RandomGenerator random = random(m + dtype.bytes());
            Matrix a = input(dtype, m, k, gaussian(random, m * k, 30));
            Matrix w = input(dtype, n, k, gaussian(random, n * k, 30));
            Matrix perToken = input(DType.F32, m, 1, gaussian(random, m, 0.01));
            Matrix perChannel = input(DType.F32, n, 1, gaussian(random, n, 0.01));
            check(new ScaledMatrix(a, perToken), new ScaledMatrix(w, perChannel));
        }
    }

    /**
     * docs/kernels.md, Bounds: what perplexities rest on. Sums go on in f32 at least every 128 of k; that many lose up to
     * 1.3e-4 of the product's norm where tensor cores keep 14 bits of them.
     */
    @ParameterizedTest
    @CsvSource({
        "512, 256, 128",
        "512, 256, 512",
        "64, 256, 4096",
        "512, 256, 4096",
        "512, 256, 14336",
        "128, 256, 14336"
    })
    void keepsFloat8ProductsWithinTheirNorm(int m, int n, int k) {
        Matrix a = input(DType.F8_E4M3, m, k, gaussian(random(700), m * k, 30));
        Matrix w = input(DType.F8_E4M3, n, k, gaussian(random(701), n * k, 30));
        Matrix out = output(DType.F32, m, n);
        backend.operations().matMul().multiply(ScaledMatrix.plain(a), ScaledMatrix.plain(w), out, stream);
        float[] actual = floats(out);
        float[] activations = floats(a);
        float[] weights = floats(w);
        double error = 0;
        double norm = 0;
        double both = 0;
        double squares = 0;
        for (int row = 0; row < m; row += m / 32) {
            for (int column = 0; column < n; column += 4) {
                double sum = 0;
                for (int i = 0; i < k; i++) {
                    sum += (double) activations[row * k + i] * weights[column * k + i];
                }
                double value = actual[row * n + column];
                error += Math.pow(value - sum, 2);
                norm += sum * sum;
                both += value * sum;
                squares += value * value + sum * sum;
            }
        }
        assertThat(Math.sqrt(error / norm)).isLessThan(1.4e-4);
        assertThat(1 - 2 * both / squares).isLessThan(1e-6);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16", "F8_E4M3", "I8"})
    void multipliesFewRowsWithEveryWeightType(DType dtype) {
        RandomGenerator random = random(400 + dtype.bytes());
        Matrix w = input(dtype, 37, 1168, gaussian(random, 37 * 1168, 30));
        Matrix perChannel = input(DType.F16, 37, 1, gaussian(random, 37, 1));
        for (int m = 1; m <= 9; m++) {
            float[] values = gaussian(random, m * 1168, 1);
            check(ScaledMatrix.plain(input(DType.F32, m, 1168, values)), new ScaledMatrix(w, perChannel));
            check(ScaledMatrix.plain(input(DType.BF16, m, 1168, values)), ScaledMatrix.plain(w));
        }
    }

    /** As a layer's keys and values beside its queries. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F8_E4M3", "I8"})
    void multipliesSeveralWeightsByTheSameActivations(DType dtype) {
        RandomGenerator random = random(500 + dtype.bytes());
        int k = 1168;
        for (int m : new int[] {1, 7, 16, 40}) {
            ScaledMatrix a = ScaledMatrix.plain(input(DType.BF16, m, k, gaussian(random, m * k, 1)));
            List<ScaledMatrix> weights = new ArrayList<>();
            List<Matrix> outs = new ArrayList<>();
            for (int n : new int[] {300, 37, 16, 70, 1}) {
                Matrix scales = n == 16 ? null : input(DType.F32, n, 1, gaussian(random, n, 1));
                weights.add(new ScaledMatrix(input(dtype, n, k, gaussian(random, n * k, 30)), scales));
                outs.add(output(DType.F32, m, n));
            }
            backend.operations().matMul().multiplyAll(a, weights, outs, stream);
            for (int i = 0; i < weights.size(); i++) {
                assertProduct(a, weights.get(i), outs.get(i));
            }
        }
    }

    /** Whole tiles, parts of tiles and slices of k beside each other, and more rows than go beside each other. */
    @ParameterizedTest
    @EnumSource(names = {"BF16", "F8_E4M3", "I8"})
    void multipliesSeveralWeightsOfTheTypeOfActivations(DType dtype) {
        RandomGenerator random = random(600 + dtype.bytes());
        for (int k : new int[] {128, 2048}) {
            for (int m : new int[] {1, 20, 64, 65}) {
                Matrix rows = input(dtype, m, k, gaussian(random, m * k, 30));
                boolean scaled = dtype != DType.BF16;
                var a = new ScaledMatrix(rows, scaled ? input(DType.F32, m, 1, gaussian(random, m, 1)) : null);
                List<ScaledMatrix> weights = new ArrayList<>();
                List<Matrix> outs = new ArrayList<>();
                for (int n : new int[] {512, 72, 129}) {
                    Matrix scales = scaled ? input(DType.BF16, n, 1, gaussian(random, n, 1)) : null;
                    weights.add(new ScaledMatrix(input(dtype, n, k, gaussian(random, n * k, 30)), scales));
                    outs.add(output(DType.F32, m, n));
                }
                for (int count : new int[] {2, 3}) {
                    backend.operations()
                            .matMul()
                            .multiplyAll(a, weights.subList(0, count), outs.subList(0, count), stream);
                    for (int i = 0; i < count; i++) {
                        assertProduct(a, weights.get(i), outs.get(i));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16"})
    void appliesScalesPerTensorRowAndGroup(DType scaleType) {
        RandomGenerator random = random(200);
        for (int m : new int[] {1, 8, 40}) {
            Matrix a = input(DType.F8_E4M3, m, 96, gaussian(random, m * 96, 100));
            Matrix w = input(DType.I8, 70, 96, gaussian(random, 70 * 96, 60));
            Matrix one = input(scaleType, 1, 1, 0.37f);
            Matrix perToken = input(scaleType, m, 1, gaussian(random, m, 0.01));
            Matrix perChannel = input(scaleType, 70, 1, gaussian(random, 70, 0.01));
            Matrix perGroup = input(scaleType, 70, 4, gaussian(random, 280, 0.01));
            Matrix oddGroups = input(scaleType, 70, 32, gaussian(random, 70 * 32, 0.01));
            for (Matrix weightScale : new Matrix[] {one, perChannel, perGroup, oddGroups}) {
                check(new ScaledMatrix(a, one), new ScaledMatrix(w, weightScale));
                check(new ScaledMatrix(a, perToken), new ScaledMatrix(w, weightScale));
            }
        }
    }

    @Test
    void decodesEveryE4m3CodeAndEverySubnormalF16() {
        float[] codes = new float[256];
        float[] halves = new float[2048];
        for (int i = 0; i < 256; i++) {
            float value = Float8.fromE4m3((byte) i);
            codes[i] = Float.isNaN(value) ? 0 : value;
        }
        for (int i = 0; i < 2048; i++) {
            halves[i] = Float.float16ToFloat((short) i);
        }
        // A row of ones in turn picks each column, so every value is seen alone.
        assertDecodesExactly(DType.F8_E4M3, codes);
        assertDecodesExactly(DType.F16, halves);
    }

    private void assertDecodesExactly(DType dtype, float[] values) {
        int columns = values.length / 16;
        Matrix w = input(dtype, 16, columns, values);
        float[] identity = new float[columns * columns];
        for (int i = 0; i < columns; i++) {
            identity[i * columns + i] = 1;
        }
        Matrix out = output(DType.F32, columns, 16);
        backend.operations()
                .matMul()
                .multiply(
                        ScaledMatrix.plain(input(DType.F32, columns, columns, identity)),
                        ScaledMatrix.plain(w),
                        out,
                        stream);
        float[] actual = floats(out);
        for (int i = 0; i < values.length; i++) {
            assertThat(actual[i % columns * 16 + i / columns]).isEqualTo(values[i]);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 30})
    void nonFiniteNumbersReachTheirRowAndColumnOnly(int m) {
        float[] activations = gaussian(random(1), m * 40, 1);
        activations[40 + 3] = Float.NaN;
        float[] weights = gaussian(random(2), 30 * 40, 1);
        weights[5 * 40 + 7] = Float.POSITIVE_INFINITY;
        Matrix out = output(DType.F32, m, 30);
        for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
            Matrix a = input(DType.F32, m, 40, activations);
            Matrix w = input(dtype, 30, 40, weights);
            backend.operations().matMul().multiply(ScaledMatrix.plain(a), ScaledMatrix.plain(w), out, stream);
            float[] result = floats(out);
            for (int i = 0; i < result.length; i++) {
                boolean touched = i / 30 == 1 || i % 30 == 5;
                assertThat(Float.isFinite(result[i]))
                        .as("%s element %d", dtype, i)
                        .isEqualTo(!touched);
            }
        }
    }

    @Test
    void e4m3NanStaysNan() {
        Matrix a = input(DType.F32, 1, 32, new float[32]);
        float[] weights = new float[64];
        weights[40] = Float.NaN;
        Matrix out = output(DType.F32, 1, 2);
        backend.operations()
                .matMul()
                .multiply(ScaledMatrix.plain(a), ScaledMatrix.plain(input(DType.F8_E4M3, 2, 32, weights)), out, stream);
        assertThat(floats(out)).containsExactly(0f, Float.NaN);
    }

    @ParameterizedTest
    @CsvSource({"1,300,700", "8,300,700", "9,300,700", "130,300,700", "1000,65,40", "20,1100,33"})
    void bitsDoNotDependOnTheNumberOfThreads(int m, int n, int k) {
        RandomGenerator random = random(5);
        ScaledMatrix a = ScaledMatrix.plain(input(DType.F32, m, k, gaussian(random, m * k, 1)));
        ScaledMatrix w = ScaledMatrix.plain(input(DType.BF16, n, k, gaussian(random, n * k, 1)));
        Matrix out = output(DType.F32, m, n);
        backend.operations().matMul().multiply(a, w, out, stream);
        byte[] expected = bytes(out);
        for (int threads : new int[] {1, 2, 3, 5}) {
            Matrix again = output(DType.F32, m, n);
            withThreads(threads, () -> backend.operations().matMul().multiply(a, w, again, stream));
            assertThat(bytes(again)).as("%d threads", threads).isEqualTo(expected);
        }
    }

    @Test
    void rejectsShapesAndTypesThatDoNotFit() {
        Matrix a = input(DType.F32, 2, 4, new float[8]);
        Matrix w = input(DType.F32, 3, 4, new float[12]);
        Matrix out = output(DType.F32, 2, 3);
        ScaledMatrix plain = ScaledMatrix.plain(a);
        Matrix groups = input(DType.F32, 2, 2, new float[4]);
        assertThatThrownBy(() ->
                        backend.operations().matMul().multiply(plain, ScaledMatrix.plain(a.reshape(4, 2)), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("w is 4 x 2, expected 4 x 4");
        assertThatThrownBy(() ->
                        backend.operations().matMul().multiply(plain, ScaledMatrix.plain(w), out.reshape(3, 2), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("out is 3 x 2, expected 2 x 3");
        assertThatThrownBy(() -> backend.operations()
                        .matMul()
                        .multiply(new ScaledMatrix(a, groups), ScaledMatrix.plain(w), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("scales a row");
        Matrix integers = intMatrix(3, 4, new int[12]);
        assertThatThrownBy(
                        () -> backend.operations().matMul().multiply(plain, ScaledMatrix.plain(integers), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("w is I32");
    }

    /** What it loses of BF16 activations and weights with groups, which MatMul lets it round to BF16. */
    double groupedLoss() {
        return 0;
    }

    /**
     * Every term passes at most k additions, one multiplication by the other factor, and three by scales, each with a
     * relative error of 2^-24; so the error is at most (k + 4) 2^-24 times the sum of the terms' magnitudes. A little is
     * added for the second-order terms.
     *
     * <p>Products of two 8-bit floats may be summed by tensor cores, 32 of them and the sum before at a time, each cut to 13
     * bits below the largest one's first, and go on in f32 at least after every 128.
     */
    private void check(ScaledMatrix a, ScaledMatrix w) {
        Matrix out = output(DType.F32, a.rows(), w.rows());
        backend.operations().matMul().multiply(a, w, out, stream);
        assertProduct(a, w, out);
    }

    private void assertProduct(ScaledMatrix a, ScaledMatrix w, Matrix out) {
        int m = (int) a.rows();
        int n = (int) w.rows();
        int k = (int) a.columns();
        boolean float8 = a.codes().dtype() == DType.F8_E4M3 && w.codes().dtype() == DType.F8_E4M3;
        boolean grouped = a.codes().dtype() == DType.BF16
                && w.scales() != null
                && w.scales().columns() > 1;
        double rounding = (k + 8) * ROUNDING + (grouped ? groupedLoss() : 0);
        float[] actual = floats(out);
        double[] left = values(a);
        double[] right = values(w);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                double magnitude = 0;
                double cut = 0;
                double before = 0;
                double largest = 0;
                for (int p = 0; p < k; p++) {
                    double term = left[i * k + p] * right[j * k + p];
                    sum += term;
                    magnitude += Math.abs(term);
                    if (float8) {
                        if (p % 32 == 0) {
                            before = p % 128 == 0 ? 0 : before;
                            cut += 33 * 0x1p-13 * largest;
                            largest = Math.abs(before);
                        }
                        before += term;
                        largest = Math.max(largest, Math.abs(term));
                    }
                }
                cut += 33 * 0x1p-13 * largest;
                assertWithin(actual[i * n + j], sum, rounding * magnitude + cut, "m, n, k, row, column", m, n, k, i, j);
            }
        }
    }

    private double[] values(ScaledMatrix matrix) {
        float[] codes = floats(matrix.codes());
        Matrix scales = matrix.scales();
        float[] scaleValues = scales == null ? new float[] {1} : floats(scales);
        double[] values = new double[codes.length];
        for (int i = 0; i < codes.length; i++) {
            long at = 0;
            if (scales != null) {
                long row = scales.rows() == 1 ? 0 : i / matrix.columns();
                long group = i % matrix.columns() / (matrix.columns() / scales.columns());
                at = row * scales.columns() + group;
            }
            values[i] = codes[i] * (double) scaleValues[(int) at];
        }
        return values;
    }
}
