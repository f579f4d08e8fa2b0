package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

abstract class ConvertContract extends BackendContract {

    ConvertContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16"})
    void roundsToNearestEven(DType dtype) {
        for (int columns : new int[] {1, 7, 8, 9, 600}) {
            float[] values = gaussian(random(columns), 5 * columns, 100);
            values[0] = -0f;
            Matrix out = output(dtype, 5, columns);
            backend.operations().convert().convert(input(DType.F32, 5, columns, values), out, stream);
            assertThat(floats(out)).isEqualTo(floats(input(dtype, 5, columns, values)));
        }
    }

    @Test
    void keepsWhatIsNotFiniteAndOverflowsToInfinity() {
        Matrix x = input(DType.F32, 1, 4, Float.NaN, Float.NEGATIVE_INFINITY, 1e6f, 3.4e38f);
        Matrix half = output(DType.F16, 1, 4);
        backend.operations().convert().convert(x, half, stream);
        assertThat(floats(half))
                .containsExactly(Float.NaN, Float.NEGATIVE_INFINITY, Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY);
    }

    @Test
    void rejectsOtherShapesAndTypes() {
        Matrix x = input(DType.F32, 2, 3, new float[6]);
        assertThatThrownBy(() -> backend.operations().convert().convert(x, output(DType.BF16, 3, 2), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("out is 3 x 2, expected 2 x 3");
        assertThatThrownBy(() -> backend.operations().convert().convert(x, output(DType.I8, 2, 3), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("out is I8");
    }
}
