package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;

/** How kernels that give each row a block share it among threads. */
final class Rows {

    private static final int VECTOR_BYTES = 16;
    private static final int WARP = 32;
    private static final int MOST_THREADS = 1024;

    private Rows() {}

    /**
     * Enough threads to keep a whole row in registers, as far as a block may have them.
     *
     * @param kept 16-byte vectors that a thread keeps: as the kernel is instantiated
     */
    static int threads(Matrix x, int kept) {
        long vectors = Math.ceilDiv(x.columns() * x.dtype().bytes(), (long) VECTOR_BYTES);
        long warps = Math.ceilDiv(vectors, (long) kept * WARP);
        return Math.clamp(warps * WARP, WARP, MOST_THREADS);
    }
}
