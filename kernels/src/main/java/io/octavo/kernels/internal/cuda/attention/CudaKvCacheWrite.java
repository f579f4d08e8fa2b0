package io.octavo.kernels.internal.cuda.attention;

import io.octavo.kernels.attention.KvCacheLayout;
import io.octavo.kernels.attention.KvCacheTensor;
import io.octavo.kernels.attention.KvCacheWrite;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.DType;

/** Launches {@code kv_cache_write.cu}. */
public final class CudaKvCacheWrite implements KvCacheWrite {

    private static final int THREADS = 128;

    private final KernelLibrary library;

    public CudaKvCacheWrite(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void write(Matrix x, Matrix slots, KvCacheLayout layout, KvCacheTensor cache, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        KvCacheWrite.check(x, slots, layout, cache);
        DType cacheType = cache.numbers().dtype();
        cuda.call(library.kernel("kv_cache_write", "kv_cache_write"))
                .matrix(x)
                .matrix(slots)
                .matrix(cache.numbers())
                .optional(cache.scales())
                .count(layout.pages())
                .number(layout.kvHeads())
                .number(layout.headDim())
                .type(cacheType)
                .number(headStride(cache))
                .number(tokenStride(cache))
                .number(KvCacheWrite.divisor(cacheType))
                .launch(Grid.of(x.rows(), THREADS));
    }

    /** As {@code CacheScales} of kv_cache.cuh. */
    public static int headStride(KvCacheTensor cache) {
        Matrix scales = cache.scales();
        return scales != null && scales.columns() > 1 ? 1 : 0;
    }

    public static int tokenStride(KvCacheTensor cache) {
        return cache.hasTokenScales() ? 1 : 0;
    }
}
