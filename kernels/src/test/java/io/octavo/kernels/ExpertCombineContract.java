package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.Arrays;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class ExpertCombineContract extends BackendContract {

    ExpertCombineContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1", "3, 2, 15", "4, 2, 16", "5, 8, 17", "200, 4, 130"})
    void matchesTheDefinition(int tokens, int perToken, int columns) {
        int ordered = tokens * perToken;
        float[] x = gaussian(random(columns), ordered * columns, 1);
        float[] weights = gaussian(random(tokens), ordered, 1);
        int[] rows = random(perToken).ints(ordered, 0, ordered).toArray();
        float[] actual = combine(tokens, perToken, columns, x, rows, weights);
        for (int t = 0; t < tokens; t++) {
            for (int c = 0; c < columns; c++) {
                double expected = 0;
                double magnitude = 0;
                for (int j = 0; j < perToken; j++) {
                    int choice = t * perToken + j;
                    double term = (double) weights[choice] * x[rows[choice] * columns + c];
                    expected += term;
                    magnitude += Math.abs(term);
                }
                // One rounding of the product and at most perToken of the sums.
                double tolerance = magnitude * (perToken + 1) * ROUNDING;
                assertWithin(actual[t * columns + c], expected, tolerance, "token, column", t, c);
            }
        }
    }

    @Test
    void givesNanForRowsThatAreNotThere() {
        float[] x = {1, 2, 3, 4};
        for (int row : new int[] {-1, 2, Integer.MAX_VALUE}) {
            float[] actual = combine(2, 2, 2, x, new int[] {0, 1, 0, row}, new float[] {1, 1, 1, 0});
            assertThat(Arrays.copyOf(actual, 2)).containsExactly(4, 6);
            assertThat(Arrays.copyOfRange(actual, 2, 4)).containsOnly(Float.NaN);
        }
    }

    @Test
    void rejectsOtherShapes() {
        Matrix x = inOut(2, 2, new float[4]);
        Matrix rows = intMatrix(2, 1, 0, 1);
        assertThatThrownBy(
                        () -> backend.operations().expertCombine().combine(x, rows, x, output(DType.F32, 2, 2), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("weights is 2 x 2, expected 2 x 1");
    }

    private float[] combine(int tokens, int perToken, int columns, float[] x, int[] rows, float[] weights) {
        Matrix out = output(DType.F32, tokens, columns);
        backend.operations()
                .expertCombine()
                .combine(
                        input(DType.F32, x.length / columns, columns, x),
                        intMatrix(tokens, perToken, rows),
                        input(DType.F32, tokens, perToken, weights),
                        out,
                        stream);
        return floats(out);
    }
}
