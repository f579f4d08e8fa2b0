package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.Matrix;
import io.octavo.kernels.RmsNorm;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import java.util.Locale;

/** Launches {@code rms_norm.cu}. */
final class CudaRmsNorm implements RmsNorm {

    /** {@code kKept} and {@code kMostThreads} of the kernels. */
    private static final int KEPT = 4;

    private static final int MOST_THREADS = 1024;

    private final KernelLibrary library;

    CudaRmsNorm(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void normalize(Matrix x, Matrix weight, float gainOffset, float epsilon, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkRmsNorm(x, weight, out);
        String type = weight.dtype().name().toLowerCase(Locale.ROOT);
        cuda.call(library.kernel("rms_norm", "rms_norm_" + type))
                .matrix(x)
                .matrix(weight)
                .matrix(out)
                .count(x.columns())
                .number(gainOffset)
                .number(epsilon)
                .launch(Grid.of(x.rows(), Rows.threads(x, KEPT, MOST_THREADS)));
    }
}
