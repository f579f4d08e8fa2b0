package io.octavo.kernels.internal.vector.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.product.MatMul;

/** Few rows read the weight once, as it lies; many rows are worth packing it. */
public final class VectorMatMul implements MatMul {

    private final DotProducts dotProducts;
    private final BlockedProduct blockedProduct;

    public VectorMatMul(WorkerPool workers) {
        dotProducts = new DotProducts(workers);
        blockedProduct = new BlockedProduct(workers);
    }

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        HostStream.require(stream);
        MatMul.check(a, w, out);
        int m = (int) a.rows();
        int n = (int) w.rows();
        int k = (int) a.columns();
        long target = Native.address(out);
        if (m <= DotProducts.MAX_ROWS) {
            dotProducts.multiply(Operand.of(a), Operand.of(w), target, m, n, k);
        } else {
            blockedProduct.multiply(Operand.of(a), Operand.of(w), target, m, n, k);
        }
    }
}
