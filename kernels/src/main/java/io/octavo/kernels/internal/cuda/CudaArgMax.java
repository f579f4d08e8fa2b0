package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.ArgMax;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code arg_max.cu}. */
final class CudaArgMax implements ArgMax {

    private static final int THREADS = 1024;

    private final KernelLibrary library;

    CudaArgMax(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void find(Matrix x, Matrix indices, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkArgMax(x, indices);
        cuda.call(library.kernel("arg_max", "arg_max"))
                .matrix(x)
                .matrix(indices)
                .count(x.columns())
                .launch(Grid.of(x.rows(), THREADS));
    }
}
