package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.ExpertOrder;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code expert_order.cu}. */
final class CudaExpertOrder implements ExpertOrder {

    private static final int THREADS = 512;

    private final KernelLibrary library;

    CudaExpertOrder(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void sort(Matrix chosen, Matrix sources, Matrix rows, Matrix starts, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkExpertOrder(chosen, sources, rows, starts);
        cuda.call(library.kernel("expert_order", "expert_order"))
                .matrix(chosen)
                .matrix(sources)
                .matrix(rows)
                .matrix(starts)
                .number((int) chosen.elements())
                .number((int) chosen.columns())
                .launch(Grid.of(starts.columns(), THREADS));
    }
}
