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

abstract class AddContract extends BackendContract {

    AddContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16", "F16"})
    void addsAndSubtractsMatricesAndRowsExactly(DType dtype) {
        for (int columns : new int[] {1, 15, 16, 17, 512}) {
            float[] before = gaussian(random(1), 70 * columns, 1);
            for (int rows : new int[] {70, 1}) {
                Matrix target = inOut(70, columns, before);
                Matrix x = input(dtype, rows, columns, gaussian(random(2), rows * columns, 1));
                backend.operations().add().accumulate(target, x, stream);
                Matrix less = inOut(70, columns, before);
                backend.operations().add().subtract(less, x, stream);
                float[] addend = floats(x);
                float[] actual = floats(target);
                float[] difference = floats(less);
                for (int i = 0; i < actual.length; i++) {
                    float own = addend[rows == 1 ? i % columns : i];
                    assertThat(actual[i]).isEqualTo(before[i] + own);
                    assertThat(difference[i]).isEqualTo(before[i] - own);
                }
            }
        }
    }

    @Test
    void rejectsOtherShapes() {
        Matrix x = inOut(2, 3, new float[6]);
        assertThatThrownBy(() -> backend.operations().add().accumulate(x, x.reshape(3, 2), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("x is 3 x 2, expected 2 x 3");
    }
}
