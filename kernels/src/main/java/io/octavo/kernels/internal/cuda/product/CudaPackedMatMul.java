package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.PackedMatMul;
import java.util.ArrayList;
import java.util.List;

/** Launches the cheapest of {@link Products}. */
public final class CudaPackedMatMul implements PackedMatMul {

    private final Products products;

    public CudaPackedMatMul(Products products) {
        this.products = products;
    }

    @Override
    public void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream) {
        multiplyAll(a, List.of(codes), List.of(scales), List.of(out), stream);
    }

    @Override
    public void multiplyAll(Matrix a, List<Matrix> codes, List<Matrix> scales, List<Matrix> outs, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        List<Product> beside = new ArrayList<>();
        for (int i = 0; i < codes.size(); i++) {
            PackedMatMul.check(a, codes.get(i), scales.get(i), outs.get(i));
            Weight weight = Weight.packed(codes.get(i), scales.get(i));
            beside.add(new Product(ScaledMatrix.plain(a), weight, outs.get(i), null, null));
        }
        products.launch(beside, cuda);
    }
}
