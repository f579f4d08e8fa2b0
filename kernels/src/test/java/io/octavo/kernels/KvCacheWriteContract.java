package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

abstract class KvCacheWriteContract extends BackendContract {

    KvCacheWriteContract(IntFunction<Backend> open) {
        super(open);
    }

    @ParameterizedTest
    @CsvSource({"F32,1,16", "BF16,2,64", "F32,3,17", "BF16,1,5"})
    void storesTokensInTheirSlotsAndTouchesNoOther(DType cacheType, int kvHeads, int headDim) {
        var layout = new KvCacheLayout(3, kvHeads, headDim);
        int[] slots = {0, 63, 64, -1, 191, 100, Integer.MIN_VALUE};
        float[] x = gaussian(random(1), slots.length * kvHeads * headDim, 1);
        Matrix cache = output(cacheType, layout.rows(), headDim);
        backend.kvCacheWrite()
                .write(input(DType.F32, slots.length, (long) kvHeads * headDim, x), ints(slots), layout, cache, stream);
        float[] expected = new float[Math.toIntExact(layout.rows() * headDim)];
        Arrays.fill(expected, Float.NaN);
        for (int token = 0; token < slots.length; token++) {
            for (int i = 0; slots[token] >= 0 && i < kvHeads * headDim; i++) {
                int page = slots[token] / 64;
                int row = (page * kvHeads + i / headDim) * 64 + slots[token] % 64;
                float value = x[token * kvHeads * headDim + i];
                expected[row * headDim + i % headDim] =
                        cacheType == DType.F32 ? value : BFloat16.toFloat(BFloat16.fromFloat(value));
            }
        }
        assertThat(floats(cache)).isEqualTo(expected);
    }

    @Test
    void slotsPastTheLastPageDoNoHarm() {
        var layout = new KvCacheLayout(2, 1, 4);
        Matrix cache = output(DType.F32, layout.rows(), 4);
        Matrix x = input(DType.F32, 1, 4, new float[4]);
        if (checksIndices()) {
            assertThatThrownBy(() -> backend.kvCacheWrite().write(x, ints(128), layout, cache, stream))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("slot 128");
        } else {
            backend.kvCacheWrite().write(x, ints(128), layout, cache, stream);
            assertThat(floats(cache)).containsOnly(Float.NaN);
        }
        assertThatThrownBy(() -> backend.kvCacheWrite().write(x, ints(0), layout, cache.rows(0, 64), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cache is 64 x 4, expected 128 x 4");
    }
}
