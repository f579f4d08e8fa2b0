package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.operand.Operands;
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

    /** @throws IllegalArgumentException if it is no cache of that layout */
    public void check(String name, KvCacheLayout layout) {
        Operands.requireType(name, numbers, Operands.CACHE);
        Operands.requireShape(name, numbers, layout.rows(), layout.headDim());
        if (Operands.CODES.contains(numbers.dtype()) != (scales != null)) {
            throw new IllegalArgumentException(name + ": scales go with caches of 8 bits, and only with them");
        }
        if (scales != null) {
            Operands.requireF32(name + " scales", scales);
            boolean given = scales.rows() == 1 && (scales.columns() == 1 || scales.columns() == layout.kvHeads());
            boolean ofTokens = scales.rows() == layout.rows() && scales.columns() == 1;
            if (!given && !ofTokens) {
                throw new IllegalArgumentException(name + " scales are " + scales.rows() + " x " + scales.columns()
                        + ", expected 1 x 1, 1 x " + layout.kvHeads() + " or " + layout.rows() + " x 1");
            }
        }
    }
}
