package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Keys, or values, of one layer as the cache holds them: {@code value = number * scale}, the product rounded to f32.
 *
 * @param numbers {@code [layout.rows(), headDim]}, F32, BF16, F8_E4M3 or I8
 * @param scales null for F32 and BF16; F32 otherwise: {@code [1, 1]} for the whole tensor or {@code [1, kvHeads]}, given;
 *     or {@code [layout.rows(), 1]}, one for each token and head, which {@link KvCacheWrite} computes
 */
public record KvCacheTensor(Matrix numbers, @Nullable Matrix scales) {

    public static KvCacheTensor plain(Matrix numbers) {
        return new KvCacheTensor(numbers, null);
    }

    /** Whether every token and head has a scale of its own. */
    public boolean hasTokenScales() {
        return scales != null && scales.rows() > 1;
    }
}
