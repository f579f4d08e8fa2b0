package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

abstract class ObserveRangeContract extends BackendContract {

    ObserveRangeContract(IntFunction<Backend> open) {
        super(open);
    }

    @Test
    void remembersTheSmallestAndTheLargestOfAllCalls() {
        for (int groups : new int[] {1, 2, 5, 30}) {
            Matrix ranges = inOut(groups, 2, new float[2 * groups]);
            float[] expected = new float[2 * groups];
            for (int call = 0; call < 3; call++) {
                float[] values = gaussian(random(call), 211 * 30, call + 1);
                backend.operations().observeRange().observe(input(DType.F32, 211, 30, values), ranges, stream);
                for (int i = 0; i < values.length; i++) {
                    int group = i % 30 / (30 / groups);
                    expected[2 * group] = Math.min(expected[2 * group], values[i]);
                    expected[2 * group + 1] = Math.max(expected[2 * group + 1], values[i]);
                }
            }
            assertThat(floats(ranges)).containsExactly(expected);
        }
    }

    @Test
    void notANumberStays() {
        for (int at : new int[] {0, 17, 32}) {
            float[] values = gaussian(random(at), 33, 1);
            values[at] = Float.NaN;
            Matrix ranges = inOut(1, 2, 0, 0);
            backend.operations().observeRange().observe(input(DType.BF16, 1, 33, values), ranges, stream);
            backend.operations().observeRange().observe(input(DType.F16, 1, 1, 1), ranges, stream);
            assertThat(floats(ranges)).containsExactly(Float.NaN, Float.NaN);
        }
    }

    @Test
    void rejectsGroupsThatDoNotDivideTheColumns() {
        Matrix x = input(DType.F32, 1, 3, 1, 2, 3);
        Matrix ranges = inOut(2, 2, 0, 0, 0, 0);
        assertThatThrownBy(() -> backend.operations().observeRange().observe(x, ranges, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("does not divide");
    }
}
