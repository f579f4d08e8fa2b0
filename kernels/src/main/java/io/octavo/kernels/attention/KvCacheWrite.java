package io.octavo.kernels.attention;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.operand.Operands;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.number.Float8;
import io.octavo.kernels.quantization.QuantizeRows;

/**
 * Stores fresh keys or values in their cache slots.
 *
 * <p>Codes are those of {@link QuantizeRows}: {@code x / scale} by true division in f32, rounded to nearest, ties to even,
 * saturated. Scales of tokens are {@code absmax / divisor} of a token's head, the machine epsilon of F32 in place of zero.
 * NaN stays NaN, save in an I8 cache with given scales, which cannot hold it.
 */
public interface KvCacheWrite {

    /** What the largest magnitude of a head is divided by: codes reach as far down as up. */
    static float divisor(DType cacheType) {
        return cacheType == DType.I8 ? 127 : Float8.E4M3_MAX;
    }

    /**
     * @param x {@code [tokens, kvHeads * headDim]} F32; keys after rotation
     * @param slots {@code [1, tokens]} I32; a negative slot is padding and is skipped; the CPU backend
     *     throws on one past the last page
     */
    void write(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache, Stream stream);

    /** @throws IllegalArgumentException if the operation does not take these operands */
    static void check(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache) {
        Operands.requireF32("x", x);
        Operands.requireShape("x", x, x.rows(), (long) layout.kvHeads() * layout.headDim());
        Operands.requireInts("slots", slots, x.rows());
        cache.check("cache", layout);
    }
}
