package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.ExpertRouting;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code expert_routing.cu}. */
final class CudaExpertRouting implements ExpertRouting {

    private static final int THREADS = 32;

    private final KernelLibrary library;

    CudaExpertRouting(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void route(Matrix logits, boolean normalize, Matrix chosen, Matrix weights, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkExpertRouting(logits, chosen, weights);
        cuda.call(library.kernel("expert_routing", "expert_routing"))
                .matrix(logits)
                .matrix(chosen)
                .matrix(weights)
                .number((int) logits.columns())
                .number((int) chosen.columns())
                .number(normalize ? 1 : 0)
                .launch(Grid.of(logits.rows(), THREADS));
    }
}
