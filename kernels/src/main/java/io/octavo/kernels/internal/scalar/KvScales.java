package io.octavo.kernels.internal.scalar;

import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.host.HostMatrix;
import org.jspecify.annotations.Nullable;

/**
 * What the numbers of a cache are multiplied by.
 *
 * @param scales null for 1
 * @param heads scales given for heads; 1 for one of the tensor, 0 where every row of the cache has its own
 */
record KvScales(@Nullable HostMatrix scales, long heads) {

    static KvScales of(KvCacheTensor cache) {
        Matrix scales = cache.scales();
        return scales == null
                ? new KvScales(null, 1)
                : new KvScales(HostMatrix.of(scales), cache.hasTokenScales() ? 0 : scales.columns());
    }

    /** @param row of the cache */
    float get(long row, int kvHead) {
        if (scales == null) {
            return 1;
        }
        return heads == 0 ? scales.get(row, 0) : scales.get(0, heads == 1 ? 0 : kvHead);
    }

    void set(long row, float scale) {
        if (scales != null) {
            scales.set(row, 0, scale);
        }
    }
}
