package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.GroupedMatMul;
import java.util.List;

/**
 * One product after the other. Only the device knows which rows each has, so each is launched for as many as there may
 * be; blocks beyond its rows end at once.
 */
public final class CudaGroupedMatMul implements GroupedMatMul {

    private final Products products;

    public CudaGroupedMatMul(Products products) {
        this.products = products;
    }

    @Override
    public void multiply(ScaledMatrix a, Matrix starts, List<ScaledMatrix> weights, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        GroupedMatMul.check(a, starts, weights, out);
        Matrix bounds = starts.reshape(starts.columns(), 1);
        for (int group = 0; group < weights.size(); group++) {
            Weight w = Weight.of(weights.get(group));
            products.launch(new Product(a, w, out, bounds.rows(group, group + 2)), cuda);
        }
    }
}
