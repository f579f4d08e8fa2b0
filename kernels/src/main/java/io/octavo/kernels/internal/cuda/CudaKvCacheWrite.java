package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.KvCacheLayout;
import io.octavo.kernels.KvCacheWrite;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code kv_cache_write.cu}. */
final class CudaKvCacheWrite implements KvCacheWrite {

    private static final int THREADS = 128;

    private final KernelLibrary library;

    CudaKvCacheWrite(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void write(Matrix x, Matrix slots, KvCacheLayout layout, Matrix cache, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkKvCacheWrite(x, slots, layout, cache);
        cuda.call(library.kernel("kv_cache_write", "kv_cache_write"))
                .matrix(x)
                .matrix(slots)
                .matrix(cache)
                .count(layout.pages())
                .number(layout.kvHeads())
                .number(layout.headDim())
                .type(cache.dtype())
                .launch(Grid.of(x.rows(), THREADS));
    }
}
