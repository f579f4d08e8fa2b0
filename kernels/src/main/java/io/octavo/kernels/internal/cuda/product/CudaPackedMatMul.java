package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.Operands;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.product.PackedMatMul;

/** Launches {@code matmul_stream.cu} and {@code matmul_few.cu} for few rows; otherwise decodes the weight and multiplies that. */
public final class CudaPackedMatMul implements PackedMatMul {

    private final CudaMatMul matMul;

    public CudaPackedMatMul(CudaMatMul matMul) {
        this.matMul = matMul;
    }

    @Override
    public void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkPackedMatMul(a, codes, scales, out);
        matMul.multiplyNibbles(a, codes, scales, out, cuda);
    }
}
