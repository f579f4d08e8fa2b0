package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What {@link MatMulContract} says of each product is not repeated: here it is the oracle. */
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
        backend.groupedMatMul().multiply(a, ints(starts), weights, out, stream);
        Matrix expected = output(DType.F32, 120, n);
        for (int g = 0; g < weights.size(); g++) {
            backend.matMul()
                    .multiply(
                            a.rows(starts[g], starts[g + 1]),
                            weights.get(g),
                            expected.rows(starts[g], starts[g + 1]),
                            stream);
        }
        float[] actual = floats(out);
        float[] wanted = floats(expected);
        for (int i = 0; i < actual.length; i++) {
            // The same sums in an order that may differ: k roundings of terms around 1.
            double tolerance = k * ROUNDING * (Math.abs(wanted[i]) + k);
            assertWithin(actual[i], wanted[i], tolerance, "element", i);
        }
    }

    @Test
    void acceptsNoRowsAtAll() {
        Matrix weight = input(DType.F32, 2, 3, new float[6]);
        Matrix out = output(DType.F32, 0, 2);
        backend.groupedMatMul()
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
        assertThatThrownBy(() -> backend.groupedMatMul().multiply(a, ints(0, 1, 1), List.of(two, one), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("w is 1 x 3, expected 2 x 3");
        assertThatThrownBy(() -> backend.groupedMatMul().multiply(a, ints(0, 1), List.of(two, two), out, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("starts is 1 x 2, expected 1 x 3");
    }
}
