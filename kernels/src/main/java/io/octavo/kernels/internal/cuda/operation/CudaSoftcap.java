package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Softcap;

/** Launches {@code softcap.cu}. */
public final class CudaSoftcap implements Softcap {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaSoftcap(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void cap(Matrix x, float cap, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Softcap.check(x, cap);
        cuda.call(library.kernel("softcap", "softcap"))
                .matrix(x)
                .count(x.elements())
                .number(cap)
                .launch(Grid.covering(x.elements(), THREADS));
    }
}
