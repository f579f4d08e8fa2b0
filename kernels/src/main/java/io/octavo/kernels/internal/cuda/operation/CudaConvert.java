package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Convert;

/** Launches {@code convert.cu}. */
public final class CudaConvert implements Convert {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaConvert(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void convert(Matrix x, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Convert.check(x, out);
        KernelFile file = library.file("convert");
        cuda.call(file.kernel("convert"))
                .matrix(x)
                .matrix(out)
                .count(x.elements())
                .type(out.dtype())
                .launch(Grid.covering(Math.ceilDiv(x.elements(), (long) file.constant("kCount")), THREADS));
    }
}
