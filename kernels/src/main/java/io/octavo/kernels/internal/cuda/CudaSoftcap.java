package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.Softcap;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code softcap.cu}. */
final class CudaSoftcap implements Softcap {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    CudaSoftcap(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void cap(Matrix x, float cap, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkSoftcap(x, cap);
        cuda.call(library.kernel("softcap", "softcap"))
                .matrix(x)
                .count(x.elements())
                .number(cap)
                .launch(Grid.covering(x.elements(), THREADS));
    }
}
