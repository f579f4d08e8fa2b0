package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.operation.GatedActivation;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

abstract class GatedActivationContract extends BackendContract {

    GatedActivationContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @EnumSource
    void matchesTheDefinition(GatedActivation.Function function) {
        for (int columns : new int[] {1, 15, 16, 17, 1408}) {
            check(function, 3, columns, gaussian(random(columns), 3 * columns, 4));
        }
        check(function, 50, 1408, gaussian(random(1), 50 * 1408, 1));
        float[] steps = new float[4000];
        for (int i = 0; i < steps.length; i++) {
            steps[i] = (i - 2000) / 20f;
        }
        check(function, 4, 1000, steps);
        check(function, 1, 8, 0f, -0f, 1e-30f, -1e-30f, Float.MIN_VALUE, 1e4f, -1e4f, 88.7f);
    }

    @ParameterizedTest
    @EnumSource
    void carriesNonFiniteNumbers(GatedActivation.Function function) {
        Matrix out = output(DType.F32, 1, 4);
        Matrix ones = input(DType.F32, 1, 4, 1, 1, Float.NaN, 1);
        Matrix gate = input(DType.F32, 1, 4, Float.NaN, Float.POSITIVE_INFINITY, 1, 2);
        backend.operations().gatedActivation().apply(function, gate, ones, out, stream);
        assertThat(floats(out.reshape(4, 1).rows(0, 3))).containsExactly(Float.NaN, Float.POSITIVE_INFINITY, Float.NaN);
    }

    @Test
    void mayWriteOverEitherInput() {
        float[] gate = gaussian(random(7), 100, 1);
        float[] up = gaussian(random(8), 100, 1);
        Matrix out = output(DType.F32, 2, 50);
        Matrix first = inOut(2, 50, gate);
        Matrix second = inOut(2, 50, up);
        var silu = GatedActivation.Function.SILU;
        backend.operations().gatedActivation().apply(silu, first, second, out, stream);
        backend.operations().gatedActivation().apply(silu, first, second, first, stream);
        assertThat(floats(first)).isEqualTo(floats(out));
        first = inOut(2, 50, gate);
        backend.operations().gatedActivation().apply(silu, first, second, second, stream);
        assertThat(floats(second)).isEqualTo(floats(out));
    }

    @Test
    void rejectsOtherShapes() {
        Matrix x = inOut(2, 3, new float[6]);
        assertThatThrownBy(() -> backend.operations()
                        .gatedActivation()
                        .apply(GatedActivation.Function.SILU, x, x.reshape(3, 2), x, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("up is 3 x 2, expected 2 x 3");
    }

    /**
     * exp is good to 2 ulp, four roundings follow. GELU's argument carries five more, which exp multiplies by its size.
     * Where the sigmoid underflows, an absolute 2^-100 of {@code up} is allowed.
     */
    private void check(GatedActivation.Function function, int rows, int columns, float... gate) {
        float[] up = gaussian(random(99), gate.length, 1);
        Matrix out = output(DType.F32, rows, columns);
        backend.operations()
                .gatedActivation()
                .apply(
                        function,
                        input(DType.F32, rows, columns, gate),
                        input(DType.F32, rows, columns, up),
                        out,
                        stream);
        float[] actual = floats(out);
        for (int i = 0; i < gate.length; i++) {
            double x = gate[i];
            double argument = function == GatedActivation.Function.SILU
                    ? x
                    : 2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
            double expected = x / (1 + Math.exp(-argument)) * up[i];
            double argumentError = function == GatedActivation.Function.SILU ? 0 : 5 * Math.abs(argument);
            double tolerance = Math.abs(expected) * (8 + argumentError) * ROUNDING + Math.abs(up[i]) * 0x1p-100;
            assertWithin(actual[i], expected, tolerance, "function, gate", function, x);
        }
    }
}
