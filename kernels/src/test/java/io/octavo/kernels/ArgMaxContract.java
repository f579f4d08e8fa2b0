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
import org.junit.jupiter.params.provider.ValueSource;

abstract class ArgMaxContract extends BackendContract {

    ArgMaxContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 15, 16, 17, 100, 8192, 32001})
    void findsTheLargestWhereverItIs(int columns) {
        for (int at : new int[] {0, columns / 2, columns - 1}) {
            float[] values = gaussian(random(columns), columns, 1);
            values[at] = 100;
            assertThat(argMax(1, columns, values)).containsExactly(at);
        }
    }

    @Test
    void takesTheFirstOfEqualValues() {
        float[] values = new float[3 * 40];
        values[40 + 7] = 5;
        values[40 + 30] = 5;
        values[80 + 39] = -0f;
        Arrays.fill(values, 0, 40, Float.NEGATIVE_INFINITY);
        assertThat(argMax(3, 40, values)).containsExactly(0, 7, 0);
    }

    @Test
    void reportsNanAsMinusOne() {
        for (int at = 0; at < 35; at++) {
            float[] values = gaussian(random(at), 70, 1);
            values[at] = Float.NaN;
            values[34 - at] = at == 17 ? Float.NaN : Float.POSITIVE_INFINITY;
            assertThat(argMax(2, 35, values)[0]).isEqualTo(-1);
            assertThat(argMax(2, 35, values)[1]).isNotNegative();
        }
    }

    @Test
    void rejectsRowsWithoutColumns() {
        Matrix indices = output(DType.I32, 1, 1);
        Matrix none = new Matrix(indices.buffer(), 0, DType.F32, 1, 0);
        assertThatThrownBy(() -> backend.operations().argMax().find(none, indices, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no columns");
    }

    private int[] argMax(int rows, int columns, float[] values) {
        Matrix indices = output(DType.I32, 1, rows);
        backend.operations().argMax().find(input(DType.F32, rows, columns, values), indices, stream);
        return readInts(indices);
    }
}
