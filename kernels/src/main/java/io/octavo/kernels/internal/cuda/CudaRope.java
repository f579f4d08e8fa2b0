package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.Rope;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code rope.cu}. */
final class CudaRope implements Rope {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    CudaRope(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkRope(x, positions, cos, sin, headDim);
        cuda.call(library.kernel("rope", "rope"))
                .matrix(x)
                .matrix(positions)
                .matrix(cos)
                .matrix(sin)
                .count(x.columns())
                .count(cos.rows())
                .number(headDim)
                .launch(Grid.of(x.rows(), THREADS));
    }
}
