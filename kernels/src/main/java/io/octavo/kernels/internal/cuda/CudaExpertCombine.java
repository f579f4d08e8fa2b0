package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.ExpertCombine;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code expert_combine.cu}. */
final class CudaExpertCombine implements ExpertCombine {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    CudaExpertCombine(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void combine(Matrix x, Matrix rows, Matrix weights, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkExpertCombine(x, rows, weights, out);
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
