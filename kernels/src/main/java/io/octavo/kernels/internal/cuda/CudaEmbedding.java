package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Embedding;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code embedding.cu}. */
final class CudaEmbedding implements Embedding {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    CudaEmbedding(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void gather(Matrix table, Matrix ids, float multiplier, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkEmbedding(table, ids, out);
        cuda.call(library.kernel("embedding", "embedding"))
                .matrix(table)
                .matrix(ids)
                .matrix(out)
                .count(table.rows())
                .count(table.columns())
                .number(multiplier)
                .type(table.dtype())
                .launch(Grid.of(out.rows(), THREADS));
    }
}
