package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

abstract class RopeContract extends BackendContract {

    RopeContract(IntFunction<Backend> open) {
        super(open);
    }

    /** Two products and a sum: an error of at most two roundings of each term's magnitude. */
    @ParameterizedTest
    @CsvSource({
        "1,2,1",
        "2,16,8",
        "3,64,32",
        "1,128,64",
        "5,30,15",
        "2,34,17",
        "1,80,40",
        "3,16,4",
        "2,64,3",
        "1,128,48"
    })
    void rotatesPairsApartByHalfOfWhatTurns(int heads, int headDim, int half) {
        int tokens = 37;
        float[] x = gaussian(random(headDim), tokens * heads * headDim, 1);
        float[] cos = gaussian(random(1), 50 * half, 1);
        float[] sin = gaussian(random(2), 50 * half, 1);
        int[] positions = random(3).ints(tokens, 0, 50).toArray();
        Matrix rotated = inOut(tokens, (long) heads * headDim, x);
        backend.operations()
                .rope()
                .rotate(
                        rotated,
                        ints(positions),
                        input(DType.F32, 50, half, cos),
                        input(DType.F32, 50, half, sin),
                        headDim,
                        stream);
        float[] actual = floats(rotated);
        for (int token = 0; token < tokens; token++) {
            for (int at = token * heads * headDim; at < (token + 1) * heads * headDim; at += headDim) {
                for (int i = 0; i < half; i++) {
                    double c = cos[positions[token] * half + i];
                    double s = sin[positions[token] * half + i];
                    double first = x[at + i];
                    double second = x[at + half + i];
                    double tolerance =
                            3 * ROUNDING * (Math.abs(first) + Math.abs(second)) * (Math.abs(c) + Math.abs(s));
                    assertWithin(actual[at + i], first * c - second * s, tolerance, "token, channel", token, i);
                    assertWithin(actual[at + half + i], second * c + first * s, tolerance, "token, channel", token, i);
                }
                for (int i = 2 * half; i < headDim; i++) {
                    assertThat(actual[at + i]).isEqualTo(x[at + i]);
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 50, Integer.MAX_VALUE, Integer.MIN_VALUE})
    void positionsOutsideTheTablesDoNoHarm(int position) {
        Matrix x = inOut(2, 4, new float[8]);
        Matrix table = input(DType.F32, 50, 2, new float[100]);
        if (checksIndices()) {
            assertThatThrownBy(() -> backend.operations().rope().rotate(x, ints(0, position), table, table, 4, stream))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("position " + position);
        } else {
            backend.operations().rope().rotate(x, ints(0, position), table, table, 4, stream);
            assertThat(floats(x.rows(0, 1))).containsOnly(0f);
            assertThat(floats(x.rows(1, 2))).containsOnly(Float.NaN);
        }
    }

    @Test
    void rejectsTablesWiderThanAHead() {
        Matrix x = inOut(1, 8, new float[8]);
        Matrix table = input(DType.F32, 5, 3, new float[15]);
        assertThatThrownBy(() -> backend.operations().rope().rotate(x, ints(0), table, table, 4, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("headDim 4");
    }

    @Test
    void rejectsAHeadSizeThatDoesNotDivideTheRow() {
        Matrix x = inOut(1, 10, new float[10]);
        Matrix table = input(DType.F32, 5, 2, new float[10]);
        assertThatThrownBy(() -> backend.operations().rope().rotate(x, ints(0), table, table, 4, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("headDim 4");
    }
}
