package io.octavo.kernels.internal.cuda.operation;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.Rows;
import io.octavo.kernels.operation.RmsNorm;
import java.util.Locale;

/** Launches {@code rms_norm.cu}. */
public final class CudaRmsNorm implements RmsNorm {

    private final KernelLibrary library;

    public CudaRmsNorm(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void normalize(Matrix x, Matrix weight, float gainOffset, float epsilon, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        RmsNorm.check(x, weight, out);
        String type = weight.dtype().name().toLowerCase(Locale.ROOT);
        KernelFile file = library.file("rms_norm");
        cuda.call(file.kernel("rms_norm_" + type))
                .matrix(x)
                .matrix(weight)
                .matrix(out)
                .count(x.columns())
                .number(gainOffset)
                .number(epsilon)
                .launch(Grid.of(x.rows(), Rows.threads(x, file.constant("kKept"), file.constant("kMostThreads"))));
    }
}
