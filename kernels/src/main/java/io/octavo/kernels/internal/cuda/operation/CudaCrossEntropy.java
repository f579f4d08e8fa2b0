package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.CrossEntropy;

/** Launches {@code cross_entropy.cu}. */
public final class CudaCrossEntropy implements CrossEntropy {

    private final KernelLibrary library;

    public CudaCrossEntropy(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void loss(Matrix logits, Matrix targets, Matrix loss, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        CrossEntropy.check(logits, targets, loss);
        Kernel kernel = library.kernel("cross_entropy", "cross_entropy");
        cuda.call(kernel)
                .matrix(logits)
                .matrix(targets)
                .matrix(loss)
                .count(logits.columns())
                .launch(Grid.of(logits.rows(), kernel.threads()));
    }
}
