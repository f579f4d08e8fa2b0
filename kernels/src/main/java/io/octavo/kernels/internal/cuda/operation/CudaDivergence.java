package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Divergence;

/** Launches {@code divergence.cu}. */
public final class CudaDivergence implements Divergence {

    private final KernelLibrary library;

    public CudaDivergence(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void compare(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Divergence.check(reference, logits, divergence, agreement);
        Kernel kernel = library.kernel("divergence", "divergence");
        cuda.call(kernel)
                .matrix(reference)
                .matrix(logits)
                .matrix(divergence)
                .matrix(agreement)
                .count(reference.columns())
                .launch(Grid.of(reference.rows(), kernel.threads()));
    }
}
