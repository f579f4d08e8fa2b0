package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Sampling;

/** Launches {@code sample.cu}. */
public final class CudaSampling implements Sampling {

    private final KernelLibrary library;

    public CudaSampling(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void sample(Matrix logits, Matrix requests, Matrix seen, Matrix tokens, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Sampling.check(logits, requests, seen, tokens);
        Kernel kernel = library.kernel("sample", "sample");
        cuda.call(kernel)
                .matrix(logits)
                .matrix(requests)
                .matrix(seen)
                .matrix(tokens)
                .count(logits.columns())
                .launch(Grid.of(logits.rows(), kernel.threads()));
    }
}
