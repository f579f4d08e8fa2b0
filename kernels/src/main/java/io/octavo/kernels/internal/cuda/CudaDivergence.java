package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Divergence;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code divergence.cu}. */
final class CudaDivergence implements Divergence {

    /** {@code kThreads} of the kernel. */
    private static final int THREADS = 512;

    private final KernelLibrary library;

    CudaDivergence(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void compare(Matrix reference, Matrix logits, Matrix divergence, Matrix agreement, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkDivergence(reference, logits, divergence, agreement);
        cuda.call(library.kernel("divergence", "divergence"))
                .matrix(reference)
                .matrix(logits)
                .matrix(divergence)
                .matrix(agreement)
                .count(reference.columns())
                .launch(Grid.of(reference.rows(), THREADS));
    }
}
