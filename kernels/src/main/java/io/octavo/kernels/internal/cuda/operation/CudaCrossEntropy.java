package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.CrossEntropy;

/** Launches {@code cross_entropy.cu}. */
public final class CudaCrossEntropy implements CrossEntropy {

    /** {@code kThreads} of the kernel. */
    private static final int THREADS = 512;

    private final KernelLibrary library;

    public CudaCrossEntropy(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        CrossEntropy.check(logits, targets, loss);
        cuda.call(library.kernel("cross_entropy", "cross_entropy"))
                .matrix(logits)
                .matrix(targets)
                .matrix(loss)
                .count(logits.columns())
                .launch(Grid.of(logits.rows(), THREADS));
    }
}
