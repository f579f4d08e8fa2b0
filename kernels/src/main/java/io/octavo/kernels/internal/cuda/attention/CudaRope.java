package io.octavo.kernels.internal.cuda.attention;

import io.octavo.kernels.attention.Rope;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;

/** Launches {@code rope.cu}. */
public final class CudaRope implements Rope {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaRope(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void rotate(Matrix x, Matrix positions, Matrix cos, Matrix sin, int headDim, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Rope.check(x, positions, cos, sin, headDim);
        cuda.call(library.kernel("rope", "rope"))
                .matrix(x)
                .matrix(positions)
                .matrix(cos)
                .matrix(sin)
                .count(x.columns())
                .count(cos.rows())
                .number(headDim)
                .number((int) cos.columns())
                .launch(Grid.of(x.rows(), THREADS));
    }
}
