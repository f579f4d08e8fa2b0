package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.Rows;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;
import java.util.Locale;

/** Launches {@code quantize_rows.cu}. */
public final class CudaQuantizeRows implements QuantizeRows {

    /** {@code kKept} and {@code kMostRowThreads} of the kernels. */
    private static final int KEPT = 8;

    private static final int MOST_THREADS = 512;

    private final KernelLibrary library;

    public CudaQuantizeRows(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        QuantizeRows.check(x, codes, scales, divisor, nonFinite);
        String kernel = "quantize_rows_" + suffix(x) + "_" + suffix(codes);
        cuda.call(library.kernel("quantize_rows", kernel))
                .matrix(x)
                .matrix(codes)
                .matrix(scales)
                .matrix(nonFinite)
                .count(x.columns())
                .number(divisor)
                .type(scales.dtype())
                .launch(Grid.of(x.rows(), Rows.threads(x, KEPT, MOST_THREADS)));
    }

    private static String suffix(Matrix matrix) {
        DType type = matrix.dtype();
        return type == DType.F8_E4M3 ? "e4m3" : type.name().toLowerCase(Locale.ROOT);
    }
}
