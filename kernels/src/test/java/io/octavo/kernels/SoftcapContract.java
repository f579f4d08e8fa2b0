package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

abstract class SoftcapContract extends BackendContract {

    SoftcapContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @ValueSource(floats = {0.1f, 1, 30, 50, 1e4f})
    void matchesTheDefinition(float cap) {
        for (int columns : new int[] {1, 15, 16, 17, 1024, 1025}) {
            check(cap, 3, columns, gaussian(random(columns), 3 * columns, cap));
        }
        check(cap, 70, 512, gaussian(random(1), 70 * 512, cap / 10));
        float[] steps = new float[4000];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = cap * (i - 2000) / 400f;
        }
        check(cap, 4, 1000, steps);
        check(cap, 1, 8, 0f, -0f, 1e-30f, -1e-30f, 1e-6f, 1e30f, -1e30f, cap);
    }

    @Test
    void carriesNonFiniteNumbers() {
        Matrix x = inOut(1, 3, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY);
        backend.operations().softcap().cap(x, 30, stream);
        assertThat(floats(x)).containsExactly(Float.NaN, 30, -30);
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -1, Float.NaN, Float.POSITIVE_INFINITY})
    void rejectsCapsThatBoundNothing(float cap) {
        Matrix x = inOut(1, 1, 1);
        assertThatThrownBy(() -> backend.operations().softcap().cap(x, cap, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cap must be positive");
    }

    /**
     * The quotient's rounding goes through with a factor of at most 1. Where {@code 1 - 2 / (e^2y + 1)} is used it is at
     * least 0.6, and its parts carry fewer than 6 roundings of 1; elsewhere 8 roundings follow each other.
     */
    private void check(float cap, int rows, int columns, float... values) {
        Matrix x = inOut(rows, columns, values);
        backend.operations().softcap().cap(x, cap, stream);
        float[] actual = floats(x);
        for (int i = 0; i < values.length; i++) {
            double expected = cap * Math.tanh((double) values[i] / cap);
            double tolerance = Math.abs(expected) * 12 * ROUNDING + Float.MIN_NORMAL;
            assertWithin(actual[i], expected, tolerance, "cap, x", cap, values[i]);
        }
    }
}
