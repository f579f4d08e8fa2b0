package io.octavo.kernels.internal.vector.attention;

import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.vector.base.Native;

/**
 * Where the scales of a cache lie: that of a row of the cache at {@code address + row * rowBytes + kvHead * headBytes}.
 *
 * @param address 0 for none
 */
record CacheScales(long address, long rowBytes, long headBytes) {

    static CacheScales of(KvCacheTensor cache) {
        Matrix scales = cache.scales();
        if (scales == null) {
            return new CacheScales(0, 0, 0);
        }
        return new CacheScales(
                Native.address(scales),
                cache.hasTokenScales() ? Float.BYTES : 0,
                scales.columns() > 1 ? Float.BYTES : 0);
    }

    float get(long row, int kvHead) {
        return address == 0 ? 1 : Native.getFloat(address + row * rowBytes + kvHead * headBytes);
    }

    void set(long row, float scale) {
        Native.setFloat(address + row * rowBytes, scale);
    }
}
