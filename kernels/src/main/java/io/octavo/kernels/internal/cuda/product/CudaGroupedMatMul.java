package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.product.GroupedMatMul;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * One launch for all groups, which finds its groups' rows on the device; what no kernel takes so is one product after the
 * other, each launched for as many rows as it may have, of which blocks beyond its rows end at once.
 */
public final class CudaGroupedMatMul implements GroupedMatMul {

    private final Products products;
    private final DeviceMemory memory;

    public CudaGroupedMatMul(Products products, DeviceMemory memory) {
        this.products = products;
        this.memory = memory;
    }

    @Override
    public void multiply(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        GroupedMatMul.check(a, starts, weights, out);
        if (out.rows() == 0 || out.columns() == 0) {
            return;
        }
        Matrix bounds = starts.reshape(starts.columns(), 1);
        var all = product(a, weights.getFirst(), out, bounds);
        boolean alike = weights.stream().allMatch(w -> isLike(all, product(a, w, out, bounds)));
        if (alike && products.launchGroups(all, () -> table(weights), weights.size(), cuda)) {
            return;
        }
        for (int group = 0; group < weights.size(); group++) {
            products.launch(product(a, weights.get(group), out, bounds.rows(group, group + 2)), cuda);
        }
    }

    private static Product product(ScaledMatrix a, ScaledMatrix w, Matrix out, Matrix bounds) {
        return new Product(a, Weight.of(w), out, bounds, null);
    }

    /** Whether both weights differ in their addresses alone. */
    private static boolean isLike(Product one, Product other) {
        return one.shape().equals(other.shape()) && one.w().isLike(other.w());
    }

    /** As {@code GroupWeight} of row_range.cuh. */
    private long table(List<ScaledMatrix> weights) {
        return memory.keep(
                "weights of groups",
                weights.stream()
                        .flatMapToLong(w -> LongStream.of(CudaBuffer.addressOf(w.codes()), address(w.scales())))
                        .toArray());
    }

    private static long address(@Nullable Matrix scales) {
        return scales == null ? 0 : CudaBuffer.addressOf(scales);
    }
}
