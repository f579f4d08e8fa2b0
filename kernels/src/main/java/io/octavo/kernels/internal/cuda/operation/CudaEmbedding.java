package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Embedding;

/** Launches {@code embedding.cu}. */
public final class CudaEmbedding implements Embedding {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaEmbedding(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void gather(Matrix table, Matrix ids, float multiplier, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Embedding.check(table, ids, out);
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
