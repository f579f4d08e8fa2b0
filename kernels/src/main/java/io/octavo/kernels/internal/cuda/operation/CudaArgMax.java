package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.ArgMax;

/** Launches {@code arg_max.cu}. */
public final class CudaArgMax implements ArgMax {

    private static final int THREADS = 1024;

    private final KernelLibrary library;

    public CudaArgMax(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void find(Matrix x, Matrix indices, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ArgMax.check(x, indices);
        cuda.call(library.kernel("arg_max", "arg_max"))
                .matrix(x)
                .matrix(indices)
                .count(x.columns())
                .launch(Grid.of(x.rows(), THREADS));
    }
}
