package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.CrossEntropy;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code cross_entropy.cu}. */
final class CudaCrossEntropy implements CrossEntropy {

    /** {@code kThreads} of the kernel. */
    private static final int THREADS = 512;

    private final KernelLibrary library;

    CudaCrossEntropy(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkCrossEntropy(logits, targets, loss);
        cuda.call(library.kernel("cross_entropy", "cross_entropy"))
                .matrix(logits)
                .matrix(targets)
                .matrix(loss)
                .count(logits.columns())
                .launch(Grid.of(logits.rows(), THREADS));
    }
}
