package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.ObserveHistogram;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class ObserveHistogramContract extends BackendContract {

    ObserveHistogramContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"F32,211,30,2048", "BF16,64,128,2048", "F16,1,1,1", "F32,3,1001,8192", "BF16,7,17,100", "F16,40,4096,7"
    })
    void countsEveryNumberOfAllCalls(DType type, int rows, int columns, int bins) {
        Matrix counts = counts(bins);
        long[] expected = new long[bins + 1];
        for (int call = 0; call < 2; call++) {
            float[] values = gaussian(random(call), rows * columns, 2);
            values[0] = call == 0 ? 3e38f : -0f;
            Matrix x = input(type, rows, columns, values);
            backend.operations().observeHistogram().observe(x, 5.5f, counts, stream);
            for (float value : floats(x)) {
                // In f32, as the interface says: float64 would put some numbers at a bin's end into another bin.
                int bin = Float.isInfinite(value) ? bins : (int) Math.min(Math.abs(value) * (bins / 5.5f), bins - 1);
                expected[bin]++;
            }
        }
        assertThat(longs(counts)).containsExactly(expected);
    }

    @Test
    void putsNumbersWhereTheyBelong() {
        Matrix counts = counts(4);
        float[] values = {0, 0.9f, -1, 1.5f, 3.99f, -4, 100, Float.NaN, Float.NEGATIVE_INFINITY, 2};
        backend.operations().observeHistogram().observe(input(DType.F32, 2, 5, values), 4, counts, stream);
        assertThat(longs(counts)).containsExactly(2, 2, 1, 3, 2);
    }

    @Test
    void rejectsWhatIsNoRange() {
        Matrix x = input(DType.F32, 1, 1, 1);
        Matrix counts = counts(4);
        for (float range : new float[] {0, -1, Float.NaN, Float.POSITIVE_INFINITY}) {
            assertThatThrownBy(() -> backend.operations().observeHistogram().observe(x, range, counts, stream))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("range must be positive and finite");
        }
        Matrix tooMany = counts(ObserveHistogram.MOST_COLUMNS);
        assertThatThrownBy(() -> backend.operations().observeHistogram().observe(x, 1, tooMany, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("counts has 8194 columns; allowed: 2 to 8193");
    }

    private Matrix counts(int bins) {
        Matrix counts = output(DType.I64, 1, bins + 1);
        counts.buffer().fill((byte) 0, stream);
        guard(counts);
        return counts;
    }
}
