package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.operation.Add;

/** Launches {@code add.cu}. */
public final class CudaAdd implements Add {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaAdd(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void add(Matrix target, Matrix x, float sign, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Add.check(target, x);
        KernelFile file = library.file("add");
        cuda.call(file.kernel("add"))
                .matrix(target)
                .matrix(x)
                .count(target.elements())
                .count(x.elements())
                .type(x.dtype())
                .number(sign)
                .launch(Grid.covering(Math.ceilDiv(target.elements(), (long) file.constant("kCount")), THREADS));
    }
}
