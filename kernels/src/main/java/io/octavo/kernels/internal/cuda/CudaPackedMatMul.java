package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.PackedMatMul;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code matmul_stream.cu} and {@code matmul_few.cu} for few rows; otherwise decodes the weight and multiplies that. */
final class CudaPackedMatMul implements PackedMatMul {

    private final CudaMatMul matMul;

    CudaPackedMatMul(CudaMatMul matMul) {
        this.matMul = matMul;
    }

    @Override
    public void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkPackedMatMul(a, codes, scales, out);
        matMul.multiplyNibbles(a, codes, scales, out, cuda);
    }
}
