package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.ExpertRouting;

/** Launches {@code expert_routing.cu}. */
public final class CudaExpertRouting implements ExpertRouting {

    private static final int THREADS = 32;

    private final KernelLibrary library;

    public CudaExpertRouting(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void route(Matrix logits, boolean normalize, Matrix chosen, Matrix weights, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ExpertRouting.check(logits, chosen, weights);
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
