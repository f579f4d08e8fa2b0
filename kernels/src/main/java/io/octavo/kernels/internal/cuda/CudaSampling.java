package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.Sampling;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code sample.cu}. */
final class CudaSampling implements Sampling {

    /** {@code kThreads} of the kernel. */
    private static final int THREADS = 1024;

    private final KernelLibrary library;

    CudaSampling(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void sample(Matrix logits, Matrix requests, Matrix seen, Matrix tokens, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkSampling(logits, requests, seen, tokens);
        cuda.call(library.kernel("sample", "sample"))
                .matrix(logits)
                .matrix(requests)
                .matrix(seen)
                .matrix(tokens)
                .count(logits.columns())
                .launch(Grid.of(logits.rows(), THREADS));
    }
}
