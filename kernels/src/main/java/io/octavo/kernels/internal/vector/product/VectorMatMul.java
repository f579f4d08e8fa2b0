package io.octavo.kernels.internal.vector.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.host.HostStream;
import io.octavo.kernels.internal.vector.base.Native;
import io.octavo.kernels.internal.vector.base.WorkerPool;
import io.octavo.kernels.product.MatMul;

/** Few rows read the weight once, as it lies; many rows are worth packing it. The two add in different orders. */
public final class VectorMatMul implements MatMul {

    private final DotProducts dotProducts;
    private final BlockedProduct blockedProduct;
    private final int fewRows;

    public VectorMatMul(WorkerPool workers) {
        this(workers, DotProducts.MAX_ROWS);
    }

    private VectorMatMul(WorkerPool workers, int fewRows) {
        this.fewRows = fewRows;
        dotProducts = new DotProducts(workers);
        blockedProduct = new BlockedProduct(workers);
    }

    /** Takes all rows for many, so that a row's sums do not depend on how many there are. */
    public static VectorMatMul batchInvariant(WorkerPool workers) {
        return new VectorMatMul(workers, 0);
    }

    @Override
    public void multiply(ScaledMatrix a, ScaledMatrix w, Matrix out, Stream stream) {
        HostStream.require(stream);
        MatMul.check(a, w, out);
        int m = (int) a.rows();
        int n = (int) w.rows();
        int k = (int) a.columns();
        long target = Native.address(out);
        if (m <= fewRows) {
            dotProducts.multiply(Operand.of(a), Operand.of(w), target, m, n, k);
        } else {
            blockedProduct.multiply(Operand.of(a), Operand.of(w), target, m, n, k);
        }
    }
}
