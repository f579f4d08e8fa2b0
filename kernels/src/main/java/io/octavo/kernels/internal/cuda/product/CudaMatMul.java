package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.MatMul;
import java.util.ArrayList;
import java.util.List;

/** Launches the cheapest of {@link Products}. */
public final class CudaMatMul implements MatMul {

    private final Products products;

    public CudaMatMul(Products products) {
        this.products = products;
    }

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        multiplyAll(a, List.of(w), List.of(out), stream);
    }

    @Override
    public void multiplyAll(ScaledMatrix a, List<ScaledMatrix> weights, List<Matrix> outs, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        List<Product> beside = new ArrayList<>();
        for (int i = 0; i < weights.size(); i++) {
            MatMul.check(a, weights.get(i), outs.get(i));
            beside.add(new Product(a, Weight.of(weights.get(i)), outs.get(i), null, null));
        }
        products.launch(beside, cuda);
    }
}
