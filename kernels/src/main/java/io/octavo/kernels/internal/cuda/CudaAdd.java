package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Add;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code add.cu}. */
final class CudaAdd implements Add {

    private static final int THREADS = 256;

    /** Elements a thread: {@code kCount} of the kernel. */
    private static final int COUNT = 4;

    private final KernelLibrary library;

    CudaAdd(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void accumulate(Matrix target, Matrix x, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkAdd(target, x);
        cuda.call(library.kernel("add", "add"))
                .matrix(target)
                .matrix(x)
                .count(target.elements())
                .count(x.elements())
                .type(x.dtype())
                .launch(Grid.covering(Math.ceilDiv(target.elements(), (long) COUNT), THREADS));
    }
}
