package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A product to be computed: {@code out = a w^T}.
 *
 * @param a {@code [m, k]}
 * @param w {@code [n, k]}
 * @param out {@code [m, n]} F32
 * @param bounds {@code [2, 1]} I32, the first row and the end, which the device alone knows; null for all rows; {@code [weights + 1, 1]}
 *     where there are groups
 * @param groups the weights of groups of rows, of which {@code w} is the first; null for one product
 */
record Product(
        ScaledMatrix a,
        Weight w,
        Matrix out,
        @Nullable Matrix bounds,
        @Nullable Groups groups) {

    private static final int VECTOR_BYTES = 16;

    Shape shape() {
        int k = Math.toIntExact(a.columns());
        return new Shape(
                Math.toIntExact(a.rows()),
                Math.toIntExact(w.codes().rows()),
                k,
                a.codes().dtype(),
                a.scales() != null,
                w.type(),
                w.bits(),
                w.groups(),
                k > 0 && isAligned(a.codes()) && isAligned(w.codes()),
                bounds != null);
    }

    /**
     * Weights in device memory.
     *
     * @param table address of pointers to codes and to scales of each
     * @param tileRows most rows of one group that a block multiplies
     */
    record Groups(long table, int count, int tileRows) {}

    /** The same for all groups, a tile of rows at a time. */
    Shape tileShape() {
        return groups == null ? shape() : shape().withRows(groups.tileRows());
    }

    /** Tiles of all groups that there may be. */
    int tiles() {
        return groups == null ? 1 : Products.tiles(shape().m(), groups.count(), groups.tileRows());
    }

    long table() {
        return groups == null ? 0 : groups.table();
    }

    int weightCount() {
        return groups == null ? 0 : groups.count();
    }

    /** Whether every row consists of whole, aligned vectors. */
    private static boolean isAligned(Matrix matrix) {
        long rowBytes = matrix.columns() * matrix.dtype().bytes();
        return ((CudaBuffer.addressOf(matrix) | rowBytes) & (VECTOR_BYTES - 1)) == 0;
    }

    Product with(ScaledMatrix otherA, Weight otherW) {
        return new Product(otherA, otherW, out, bounds, groups);
    }

    /** Some of the rows, where there are no bounds. */
    Product rows(int from, int to) {
        var scales = a.scales() == null || a.scales().rows() == 1
                ? a.scales()
                : a.scales().rows(from, to);
        return new Product(new ScaledMatrix(a.codes().rows(from, to), scales), w, out.rows(from, to), null, null);
    }
}
