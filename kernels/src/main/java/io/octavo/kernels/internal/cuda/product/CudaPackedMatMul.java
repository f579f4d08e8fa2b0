package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.PackedMatMul;

/** Launches the cheapest of {@link Products}. */
public final class CudaPackedMatMul implements PackedMatMul {

    private final Products products;

    public CudaPackedMatMul(Products products) {
        this.products = products;
    }

    @Override
    public void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        PackedMatMul.check(a, codes, scales, out);
        products.launch(new Product(ScaledMatrix.plain(a), Weight.packed(codes, scales), out, null, null), cuda);
    }
}
