package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.ExpertOrder;

/** Launches {@code expert_order.cu}. */
public final class CudaExpertOrder implements ExpertOrder {

    private static final int THREADS = 512;

    private final KernelLibrary library;

    public CudaExpertOrder(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void sort(Matrix chosen, Matrix sources, Matrix rows, Matrix starts, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ExpertOrder.check(chosen, sources, rows, starts);
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
