package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import java.util.List;

/**
 * One way to compute products: a .cu file of the class's name, or a detour to another.
 *
 * <p>A new one is a class and a line in {@link Products}.
 */
interface ProductKernel {

    /** Whether it computes products of this shape on this device. */
    boolean takes(Shape shape);

    /**
     * About how long it takes, in the time of reading a byte of the weight; only which is less counts. Called for what it
     * {@linkplain #takes takes} alone.
     */
    double cost(Shape shape);

    /** Most rows of a group that a block multiplies, of each of its kernels for all groups in one launch; empty without one. */
    default List<Integer> groupTiles() {
        return List.of();
    }

    void launch(Product product, CudaStream stream);

    /** Most products of the same activations, by weights alike but for their rows, that one launch computes. */
    default int mostBeside() {
        return 1;
    }

    /** At most {@link #mostBeside} such products, which have no bounds. */
    default void launch(List<Product> beside, CudaStream stream) {
        beside.forEach(product -> launch(product, stream));
    }
}
