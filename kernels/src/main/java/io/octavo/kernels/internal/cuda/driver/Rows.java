package io.octavo.kernels.internal.cuda.driver;

import io.octavo.kernels.device.Matrix;

/** How kernels that give each row a block share it among threads. */
public final class Rows {

    private static final int VECTOR_BYTES = 16;
    private static final int WARP = 32;

    private Rows() {}

    /**
     * Enough threads to keep a whole row in registers, as far as a block may have them.
     *
     * @param kept 16-byte vectors that a thread keeps: as the kernel is instantiated
     * @param most threads of a block: as the kernel is compiled for
     */
    public static int threads(Matrix x, int kept, int most) {
        long vectors = Math.ceilDiv(x.columns() * x.dtype().bytes(), (long) VECTOR_BYTES);
        long warps = Math.ceilDiv(vectors, (long) kept * WARP);
        return Math.clamp(warps * WARP, WARP, most);
    }
}
