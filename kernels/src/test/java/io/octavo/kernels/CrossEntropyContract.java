package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.CrossEntropy;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class CrossEntropyContract extends BackendContract {

    CrossEntropyContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"1,1", "3,2", "40,17", "5,64", "7,100", "3,8192", "2,32001", "1,128256"})
    void isWithinTenMillionths(int rows, int columns) {
        check(rows, columns, gaussian(random(columns), rows * columns, 3));
        check(rows, columns, gaussian(random(columns), rows * columns, 100));
        float[] shifted = gaussian(random(columns), rows * columns, 3);
        for (int i = 0; i < shifted.length; i++) {
            shifted[i] -= 5000;
        }
        check(rows, columns, shifted);
    }

    @Test
    void equalLogitsGiveTheLogarithmOfTheirNumber() {
        check(1, 50000, new float[50000]);
    }

    @Test
    void impossibleTokensCostNothingButTheirOwnProbability() {
        float[] logits = gaussian(random(1), 100, 1);
        logits[3] = Float.NEGATIVE_INFINITY;
        Matrix loss = output(DType.F32, 1, 2);
        Matrix twice = input(DType.F32, 2, 50, logits);
        backend.operations().crossEntropy().loss(twice, ints(3, 3), loss, stream);
        assertThat(floats(loss)[0]).isEqualTo(Float.POSITIVE_INFINITY);
        assertThat(floats(loss)[1]).isFinite();
    }

    @Test
    void ignoresPaddingAndMarksWhatIsUndefined() {
        float[] logits = gaussian(random(1), 5 * 20, 1);
        logits[3 * 20 + 7] = Float.NaN;
        Matrix loss = output(DType.F32, 1, 5);
        backend.operations()
                .crossEntropy()
                .loss(input(DType.F32, 5, 20, logits), ints(CrossEntropy.IGNORED, -1, 20, 2, 2), loss, stream);
        assertThat(floats(loss.reshape(5, 1).rows(0, 4))).containsExactly(0f, Float.NaN, Float.NaN, Float.NaN);
        assertThat(floats(loss)[4]).isFinite();
    }

    @Test
    void rejectsAnEmptyVocabulary() {
        Matrix loss = output(DType.F32, 1, 1);
        Matrix none = new Matrix(loss.buffer(), 0, DType.F32, 1, 0);
        assertThatThrownBy(() -> backend.operations().crossEntropy().loss(none, ints(0), loss, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no columns");
    }

    /** The contract's 1e-5, plus the rounding of the result to f32. */
    private void check(int rows, int columns, float[] logits) {
        int[] targets = random(rows).ints(rows, 0, columns).toArray();
        Matrix loss = output(DType.F32, 1, rows);
        backend.operations().crossEntropy().loss(input(DType.F32, rows, columns, logits), ints(targets), loss, stream);
        float[] actual = floats(loss);
        for (int row = 0; row < rows; row++) {
            double max = Double.NEGATIVE_INFINITY;
            for (int c = 0; c < columns; c++) {
                max = Math.max(max, logits[row * columns + c]);
            }
            double sum = 0;
            for (int c = 0; c < columns; c++) {
                sum += Math.exp(logits[row * columns + c] - max);
            }
            double expected = Math.log(sum) + max - logits[row * columns + targets[row]];
            assertWithin(actual[row], expected, 1e-5 + expected * ROUNDING, "row of rows, columns", row, rows, columns);
        }
    }
}
