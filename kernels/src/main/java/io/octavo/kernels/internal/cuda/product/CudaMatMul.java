package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.MatMul;

/** Launches the cheapest of {@link Products}. */
public final class CudaMatMul implements MatMul {

    private final Products products;

    public CudaMatMul(Products products) {
        this.products = products;
    }

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        MatMul.check(a, w, out);
        products.launch(new Product(a, Weight.of(w), out, null, null), cuda);
    }
}
