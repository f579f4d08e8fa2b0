package io.octavo.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.backend.Backend;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.number.BFloat16;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import java.util.Arrays;
import java.util.function.IntFunction;
import java.util.random.RandomGenerator;
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
        backend.operations()
                .kvCacheWrite()
                .write(
                        input(DType.F32, slots.length, (long) kvHeads * headDim, x),
                        ints(slots),
                        layout,
                        KvCacheTensor.plain(cache),
                        stream);
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

    @ParameterizedTest
    @CsvSource({"F8_E4M3,1,16", "I8,2,64", "F8_E4M3,3,17", "I8,1,5", "F8_E4M3,2,128"})
    void dividesByGivenScales(DType cacheType, int kvHeads, int headDim) {
        for (int columns : new int[] {1, kvHeads}) {
            var layout = new KvCacheLayout(2, kvHeads, headDim);
            int[] slots = {5, -1, 127, 64, 0};
            RandomGenerator random = random(columns);
            float[] x = gaussian(random, slots.length * kvHeads * headDim, 30);
            x[0] = Float.POSITIVE_INFINITY;
            x[1] = -1e30f;
            x[2] = -0.0f;
            float[] scales = new float[columns];
            for (int i = 0; i < columns; i++) {
                scales[i] = random.nextFloat(0.01f, 1f);
            }
            Matrix cache = output(cacheType, layout.rows(), headDim);
            var tensor = new KvCacheTensor(cache, input(DType.F32, 1, columns, scales));
            Matrix tokens = input(DType.F32, slots.length, (long) kvHeads * headDim, x);
            backend.operations().kvCacheWrite().write(tokens, ints(slots), layout, tensor, stream);
            byte[] actual = bytes(cache);
            byte[] expected = new byte[actual.length];
            Arrays.fill(expected, (byte) 0xFF);
            for (int token = 0; token < slots.length; token++) {
                for (int i = 0; slots[token] >= 0 && i < kvHeads * headDim; i++) {
                    int head = i / headDim;
                    float quotient = x[token * kvHeads * headDim + i] / scales[columns == 1 ? 0 : head];
                    int row = (slots[token] / 64 * kvHeads + head) * 64 + slots[token] % 64;
                    expected[row * headDim + i % headDim] = code(cacheType, quotient);
                }
            }
            assertThat(actual).isEqualTo(expected);
        }
    }

    @ParameterizedTest
    @CsvSource({"F8_E4M3,1,16", "I8,2,64", "F8_E4M3,3,17", "I8,1,5", "I8,2,128"})
    void findsTheScalesOfTokens(DType cacheType, int kvHeads, int headDim) {
        var layout = new KvCacheLayout(2, kvHeads, headDim);
        int[] slots = {5, -1, 127, 64, 0};
        float[] x = gaussian(random(1), slots.length * kvHeads * headDim, 30);
        Arrays.fill(x, 2 * kvHeads * headDim, (2 * kvHeads + 1) * headDim, 0);
        x[4 * kvHeads * headDim] = Float.NaN;
        Matrix cache = output(cacheType, layout.rows(), headDim);
        Matrix scales = output(DType.F32, layout.rows(), 1);
        Matrix tokens = input(DType.F32, slots.length, (long) kvHeads * headDim, x);
        backend.operations()
                .kvCacheWrite()
                .write(tokens, ints(slots), layout, new KvCacheTensor(cache, scales), stream);
        byte[] codes = bytes(cache);
        float[] found = floats(scales);
        for (int token = 0; token < slots.length; token++) {
            for (int head = 0; slots[token] >= 0 && head < kvHeads; head++) {
                int from = (token * kvHeads + head) * headDim;
                float absmax = 0;
                for (int i = from; i < from + headDim; i++) {
                    absmax = Math.max(absmax, Math.abs(x[i]));
                }
                int row = (slots[token] / 64 * kvHeads + head) * 64 + slots[token] % 64;
                float scale = absmax / (cacheType == DType.I8 ? 127 : 448);
                if (Float.isNaN(scale)) {
                    assertThat(found[row]).isNaN();
                    continue;
                }
                assertThat(found[row]).isEqualTo(scale == 0 ? 0x1p-23f : scale);
                for (int i = 0; i < headDim; i++) {
                    assertThat(codes[row * headDim + i]).isEqualTo(code(cacheType, x[from + i] / found[row]));
                }
            }
        }
    }

    private static byte code(DType cacheType, float quotient) {
        return cacheType == DType.I8 ? (byte) Math.clamp(Math.rint(quotient), -128, 127) : Float8.toE4m3(quotient);
    }

    @Test
    void scalesFitTheCache() {
        var layout = new KvCacheLayout(2, 3, 4);
        Matrix cache = output(DType.I8, layout.rows(), 4);
        Matrix x = input(DType.F32, 1, 12, new float[12]);
        Matrix two = input(DType.F32, 1, 2, 1, 1);
        assertRejects(layout, x, KvCacheTensor.plain(cache), "scales go with caches of 8 bits");
        assertRejects(
                layout, x, new KvCacheTensor(cache, two), "cache scales are 1 x 2, expected 1 x 1, 1 x 3 or 384 x 1");
    }

    private void assertRejects(KvCacheLayout layout, Matrix x, KvCacheTensor cache, String message) {
        assertThatThrownBy(() -> backend.operations().kvCacheWrite().write(x, ints(0), layout, cache, stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void slotsPastTheLastPageDoNoHarm() {
        var layout = new KvCacheLayout(2, 1, 4);
        Matrix cache = output(DType.F32, layout.rows(), 4);
        Matrix x = input(DType.F32, 1, 4, new float[4]);
        if (checksIndices()) {
            assertThatThrownBy(() -> backend.operations()
                            .kvCacheWrite()
                            .write(x, ints(128), layout, KvCacheTensor.plain(cache), stream))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("slot 128");
        } else {
            backend.operations().kvCacheWrite().write(x, ints(128), layout, KvCacheTensor.plain(cache), stream);
            assertThat(floats(cache)).containsOnly(Float.NaN);
        }
        assertThatThrownBy(() -> backend.operations()
                        .kvCacheWrite()
                        .write(x, ints(0), layout, KvCacheTensor.plain(cache.rows(0, 64)), stream))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cache is 64 x 4, expected 128 x 4");
    }
}
