package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.Rows;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.quantization.QuantizeRows;
import java.util.Locale;

/** Launches {@code quantize_rows.cu}. */
public final class CudaQuantizeRows implements QuantizeRows {

    private final KernelLibrary library;

    public CudaQuantizeRows(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        QuantizeRows.check(x, codes, scales, divisor, nonFinite);
        KernelFile file = library.file("quantize_rows");
        cuda.call(file.kernel("quantize_rows_" + suffix(x) + "_" + suffix(codes)))
                .matrix(x)
                .matrix(codes)
                .matrix(scales)
                .matrix(nonFinite)
                .count(x.columns())
                .number(divisor)
                .type(scales.dtype())
                .launch(Grid.of(x.rows(), Rows.threads(x, file.constant("kKept"), file.constant("kMostRowThreads"))));
    }

    private static String suffix(Matrix matrix) {
        DType type = matrix.dtype();
        return type == DType.F8_E4M3 ? "e4m3" : type.name().toLowerCase(Locale.ROOT);
    }
}
