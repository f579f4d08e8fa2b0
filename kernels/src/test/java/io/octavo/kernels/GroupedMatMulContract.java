package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.number.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

abstract class GroupedMatMulContract extends BackendContract {

    GroupedMatMulContract(IntFunction<Backend> open) {
        super(open);
    }

    /** Groups that are empty, small and large, in the middle and at both ends. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F8_E4M3"})
    void multipliesTheRowsOfEachGroupWithItsWeight(DType type) {
        int n = 33;
        int k = 48;
        int[] starts = {0, 0, 1, 17, 17, 20, 120, 120};
        List<ScaledMatrix> weights = new ArrayList<>();
        for (int g = 0; g + 1 < starts.length; g++) {
            Matrix codes = input(type, n, k, gaussian(random(g), n * k, 1));
            boolean scaled = type == DType.F8_E4M3;
            weights.add(new ScaledMatrix(codes, scaled ? input(DType.F32, n, 1, gaussian(random(g), n, 1)) : null));
        }
        Matrix codes = input(type, 120, k, gaussian(random(99), 120 * k, 1));
        Matrix scales = type == DType.F8_E4M3 ? input(DType.F32, 120, 1, gaussian(random(98), 120, 1)) : null;
        ScaledMatrix a = new ScaledMatrix(codes, scales);

        Matrix out = output(DType.F32, 120, n);
        backend.operations().groupedMatMul().multiply(a, ints(starts), weights, out, stream);
        float[] actual = floats(out);
        float[] inputs = floats(a.codes());
        for (int g = 0; g < weights.size(); g++) {
            for (int row = starts[g]; row < starts[g + 1]; row++) {
                checkRow(row, inputs, scales, weights.get(g), actual);
            }
        }
    }

    /** As many experts as models have, most of them without rows or with few; the last case has one with nearly all. */
    @ParameterizedTest
    @CsvSource({
        "BF16, BF16, 1", "BF16, BF16, 8", "BF16, BF16, 130", "BF16, BF16, 1500", "BF16, BF16, -700",
        "BF16, F8_E4M3, 1", "BF16, F8_E4M3, 8", "BF16, I8, 130", "BF16, F8_E4M3, 1500", "BF16, I8, -700",
        "F8_E4M3, F8_E4M3, 130", "I8, I8, 700", "F32, BF16, 9",
    })
    void multipliesTheRowsOf128Experts(DType aType, DType wType, int size) {
        int n = 40;
        int k = 64;
        int groups = 128;
        int rows = Math.abs(size);
        int[] starts = new int[groups + 1];
        for (int row = 0; row < rows; row++) {
            starts[1 + (size < 0 && row > 3 ? 77 : random(row).nextInt(groups))]++;
        }
        Arrays.parallelPrefix(starts, Integer::sum);
        List<ScaledMatrix> weights = new ArrayList<>();
        for (int g = 0; g < groups; g++) {
            Matrix codes = input(wType, n, k, integers(1000 + g, n * k));
            weights.add(new ScaledMatrix(
                    codes, wType == DType.BF16 ? null : input(DType.F32, n, 1, gaussian(random(g), n, 1))));
        }
        Matrix scales =
                aType == wType && aType != DType.BF16 ? input(DType.F32, rows, 1, gaussian(random(98), rows, 1)) : null;
        ScaledMatrix a = new ScaledMatrix(input(aType, rows, k, integers(99, rows * k)), scales);

        Matrix out = output(DType.F32, rows, n);
        backend.operations().groupedMatMul().multiply(a, ints(starts), weights, out, stream);
        float[] actual = floats(out);
        float[] inputs = floats(a.codes());
        for (int g = 0; g < groups; g++) {
            for (int row = starts[g]; row < starts[g + 1]; row++) {
                checkRow(row, inputs, scales, weights.get(g), actual);
            }
        }
    }

    /** Exact in all types. */
    private static float[] integers(int seed, int count) {
        float[] numbers = gaussian(random(seed), count, 3);
        for (int i = 0; i < count; i++) {
            numbers[i] = Math.clamp(Math.round(numbers[i]), -8, 8);
        }
        return numbers;
    }

    private void checkRow(int row, float[] a, @Nullable Matrix aScales, ScaledMatrix weight, float[] actual) {
        int n = Math.toIntExact(weight.rows());
        int k = Math.toIntExact(weight.columns());
        float[] w = floats(weight.codes());
        boolean scaled = weight.scales() != null;
        float rowScale = aScales == null ? 1 : floats(aScales)[row];
        Matrix wScales = weight.scales();
        float[] columnScales = wScales == null ? new float[0] : floats(wScales);
        for (int column = 0; column < n; column++) {
            double sum = 0;
            double magnitude = 0;
            for (int i = 0; i < k; i++) {
                double term = (double) a[row * k + i] * w[column * k + i];
                sum += term;
                magnitude += Math.abs(term);
            }
            double scale = scaled ? (double) rowScale * columnScales[column] : 1;
            // As in MatMulContract; products of two 8-bit floats may be summed with 14 bits, 128 of them at a time.
            double tolerance = magnitude * Math.abs(scale) * ((k + 8) * ROUNDING + (scaled ? 0x1p-13 : 0));
            assertWithin(actual[row * n + column], sum * scale, tolerance, "row, column", row, column);
        }
    }

    @Test
    void acceptsNoRowsAtAll() {
        Matrix weight = input(DType.F32, 2, 3, new float[6]);
        Matrix out = output(DType.F32, 0, 2);
        backend.operations()
                .groupedMatMul()
                .multiply(
                        ScaledMatrix.plain(input(DType.F32, 0, 3)),
                        ints(0, 0),
                        List.of(ScaledMatrix.plain(weight)),
                        out,
                        stream);
        assertThat(floats(out)).isEmpty();
    }

    @Test
    void rejectsWeightsOfDifferentShapes() {
        ScaledMatrix a = ScaledMatrix.plain(input(DType.F32, 1, 3, 1, 2, 3));
        ScaledMatrix two = ScaledMatrix.plain(input(DType.F32, 2, 3, new float[6]));
        ScaledMatrix one = ScaledMatrix.plain(input(DType.F32, 1, 3, new float[3]));
        Matrix out = output(DType.F32, 1, 2);
        assertThatThrownBy(() ->
                        backend.operations().groupedMatMul().multiply(a, ints(0, 1, 1), List.of(two, one), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("w is 1 x 3, expected 2 x 3");
        assertThatThrownBy(() ->
                        backend.operations().groupedMatMul().multiply(a, ints(0, 1), List.of(two, two), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("starts is 1 x 2, expected 1 x 3");
    }
}
