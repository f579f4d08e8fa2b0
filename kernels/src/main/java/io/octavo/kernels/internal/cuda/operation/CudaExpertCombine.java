package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.ExpertCombine;

/** Launches {@code expert_combine.cu}. */
public final class CudaExpertCombine implements ExpertCombine {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaExpertCombine(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ExpertCombine.check(x, rows, weights, out);
        int across = Math.ceilDiv((int) out.columns(), THREADS);
        cuda.call(library.kernel("expert_combine", "expert_combine"))
                .matrix(x)
                .matrix(rows)
                .matrix(weights)
                .matrix(out)
                .count(x.rows())
                .number((int) rows.columns())
                .number((int) x.columns())
                .launch(new Grid(Math.toIntExact(out.rows()), across, 1, THREADS));
    }
}
