package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

abstract class RmsNormContract extends BackendContract {

    RmsNormContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 16, 63, 64, 65, 96, 512, 1000})
    void normalizesRows(int columns) {
        for (int rows : new int[] {1, 3, 70}) {
            check(rows, columns, DType.F32, 0, 1);
            check(rows, columns, DType.BF16, 1, 1e-3);
            check(rows, columns, DType.F16, 0, 100);
        }
    }

    @Test
    void zerosStayZeroAndNoRowsAreFine() {
        Matrix zeros = input(DType.F32, 2, 33, new float[66]);
        Matrix weight = input(DType.F32, 1, 33, gaussian(random(1), 33, 1));
        Matrix out = output(DType.F32, 2, 33);
        backend.operations().rmsNorm().normalize(zeros, weight, 0, 1e-5f, out, stream);
        assertThat(floats(out)).containsOnly(0f, -0f);
        backend.operations().rmsNorm().normalize(zeros.rows(0, 0), weight, 0, 1e-5f, out.rows(0, 0), stream);
    }

    @Test
    void mayWriteOverItsInput() {
        float[] values = gaussian(random(2), 5 * 77, 1);
        Matrix weight = input(DType.F32, 1, 77, gaussian(random(3), 77, 1));
        Matrix out = output(DType.F32, 5, 77);
        backend.operations().rmsNorm().normalize(input(DType.F32, 5, 77, values), weight, 0, 1e-5f, out, stream);
        Matrix inPlace = inOut(5, 77, values);
        backend.operations().rmsNorm().normalize(inPlace, weight, 0, 1e-5f, inPlace, stream);
        assertThat(floats(inPlace)).isEqualTo(floats(out));
    }

    @Test
    void nanStaysInItsRow() {
        float[] values = gaussian(random(4), 3 * 40, 1);
        values[50] = Float.NaN;
        Matrix out = output(DType.F32, 3, 40);
        Matrix weight = input(DType.F32, 1, 40, gaussian(random(3), 40, 1));
        backend.operations().rmsNorm().normalize(input(DType.F32, 3, 40, values), weight, 0, 1e-5f, out, stream);
        assertThat(floats(out.rows(0, 1))).doesNotContain(Float.NaN);
        assertThat(floats(out.rows(1, 2))).containsOnly(Float.NaN);
        assertThat(floats(out.rows(2, 3))).doesNotContain(Float.NaN);
    }

    @Test
    void rejectsAWeightOfAnotherLength() {
        Matrix x = input(DType.F32, 2, 4, new float[8]);
        assertThatThrownBy(() -> backend.operations().rmsNorm().normalize(x, x.reshape(1, 8), 0, 1e-5f, x, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("weight is 1 x 8, expected 1 x 4");
    }

    /**
     * The sum of squares has a relative error of at most (columns + 1) 2^-24, its inverse root half of that; then come
     * the root, the gain and two products, with one rounding each.
     */
    private void check(int rows, int columns, DType weightType, float gainOffset, double deviation) {
        float[] values = gaussian(random(rows + columns), rows * columns, deviation);
        float[] gains = floats(input(weightType, 1, columns, gaussian(random(columns), columns, 1)));
        Matrix out = output(DType.F32, rows, columns);
        backend.operations()
                .rmsNorm()
                .normalize(
                        input(DType.F32, rows, columns, values),
                        input(weightType, 1, columns, gains),
                        gainOffset,
                        1e-6f,
                        out,
                        stream);
        float[] actual = floats(out);
        for (int row = 0; row < rows; row++) {
            double squares = 0;
            for (int c = 0; c < columns; c++) {
                squares += Math.pow(values[row * columns + c], 2);
            }
            double inverse = 1 / Math.sqrt(squares / columns + 1e-6f);
            for (int c = 0; c < columns; c++) {
                double normalized = values[row * columns + c] * inverse;
                double expected = normalized * ((double) gains[c] + gainOffset);
                double gainError = (Math.abs(gains[c]) + gainOffset) * ROUNDING;
                double tolerance =
                        Math.abs(expected) * (columns / 2.0 + 6) * ROUNDING + Math.abs(normalized) * gainError;
                assertWithin(
                        actual[row * columns + c],
                        expected,
                        tolerance,
                        "rows, columns, row, column",
                        rows,
                        columns,
                        row,
                        c);
            }
        }
    }
}
