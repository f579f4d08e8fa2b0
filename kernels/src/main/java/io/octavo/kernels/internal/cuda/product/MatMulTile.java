package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.number.DType;

/**
 * The tiles that {@code matmul.cu} was compiled for.
 *
 * @param rows of the output that a block computes
 * @param columns likewise
 * @param threads of a block
 * @param stages slabs of both operands in shared memory
 */
record MatMulTile(int rows, int columns, int threads, int stages) {

    private static final int SLAB_BYTES = 128;

    private static final MatMulTile HUGE = new MatMulTile(128, 256, 256, 4);
    private static final MatMulTile LARGE = new MatMulTile(128, 128, 256, 3);
    /** The one that products of groups of rows were compiled for, too. */
    static final MatMulTile MEDIUM = new MatMulTile(64, 64, 256, 4);

    private static final MatMulTile FLAT = new MatMulTile(16, 64, 128, 6);

    /** The largest tile of which the output has enough to give every multiprocessor one. */
    static MatMulTile choose(DType type, long m, long n, int multiprocessors) {
        if (m <= FLAT.rows) {
            return FLAT;
        }
        if (type != DType.F8_E4M3 && HUGE.count(m, n) >= multiprocessors) {
            return HUGE;
        }
        return LARGE.count(m, n) >= multiprocessors ? LARGE : MEDIUM;
    }

    long count(long m, long n) {
        return Math.ceilDiv(m, (long) rows) * Math.ceilDiv(n, (long) columns);
    }

    int sharedBytes() {
        return stages * (rows + columns) * SLAB_BYTES;
    }
}
