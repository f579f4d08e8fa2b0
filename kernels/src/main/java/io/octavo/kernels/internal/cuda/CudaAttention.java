package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Attention;
import io.octavo.kernels.KvCacheLayout;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code attention_general.cu}. */
final class CudaAttention implements Attention {

    /** {@code kThreads} and {@code kThreads * kMostDims} of the kernel. */
    private static final int THREADS = 128;

    private static final int MOST_HEAD_DIM = 512;

    private final KernelLibrary library;

    CudaAttention(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void attend(
            Matrix q, Matrix keys, Matrix values, Batch batch, Parameters parameters, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkAttention(q, keys, values, batch, parameters, out);
        KvCacheLayout layout = parameters.layout();
        if (layout.headDim() > MOST_HEAD_DIM) {
            throw new IllegalArgumentException(
                    "headDim " + layout.headDim() + " is more than the " + MOST_HEAD_DIM + " that kernels take");
        }
        int sharedBytes = MOST_HEAD_DIM * Float.BYTES;
        cuda.call(library.kernel("attention_general", "attention_general", sharedBytes))
                .matrix(q)
                .matrix(keys)
                .matrix(values)
                .matrix(batch.queryStarts())
                .matrix(batch.contextLengths())
                .matrix(batch.pageTable())
                .matrix(out)
                .number((int) batch.contextLengths().columns())
                .number((int) batch.pageTable().columns())
                .number(layout.pages())
                .number(parameters.heads())
                .number(layout.kvHeads())
                .number(layout.headDim())
                .number(parameters.window())
                .number(parameters.scale())
                .number(parameters.softcap())
                .type(keys.dtype())
                .launch(new Grid((int) q.rows(), parameters.heads(), 1, THREADS));
    }
}
