package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.number.DType;

/**
 * The tiles that {@code matmul_hopper.cu} was compiled for.
 *
 * @param columns of the output that a block computes at a time
 * @param stages slabs of both operands in shared memory
 */
record HopperTile(int columns, int stages) {

    /** Rows of the output that a block computes at a time. */
    static final int ROWS = 128;

    static final int SLAB_BYTES = 128;
    static final int THREADS = 384;

    /** The only compute capability whose devices have these instructions. */
    static final int COMPUTE_CAPABILITY = 90;

    /** Below, a tile would multiply more padding than rows. */
    private static final int LEAST_ROWS = 33;

    /** Below, decoding 8-bit floats costs more than the faster product saves. */
    private static final int LEAST_FLOAT8_ROWS = 512;

    private static final int SWIZZLE_BYTES = 1024;

    private static final HopperTile NARROW = new HopperTile(128, 6);
    private static final HopperTile WIDE = new HopperTile(256, 4);

    static boolean fits(int computeCapability, DType type, long m) {
        return computeCapability == COMPUTE_CAPABILITY && m >= (type == DType.F8_E4M3 ? LEAST_FLOAT8_ROWS : LEAST_ROWS);
    }

    /** The widest tile of which the output has enough to give every multiprocessor one. */
    static HopperTile choose(long m, long n, int multiprocessors) {
        return WIDE.count(m, n) >= multiprocessors ? WIDE : NARROW;
    }

    long count(long m, long n) {
        return Math.ceilDiv(m, (long) ROWS) * Math.ceilDiv(n, (long) columns);
    }

    /** Stages start where the swizzle does, wherever shared memory does. */
    int sharedBytes() {
        return stages * (ROWS + columns) * SLAB_BYTES + SWIZZLE_BYTES;
    }
}
