package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.DType;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.QuantizeRows;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import java.util.Locale;

/** Launches {@code quantize_rows.cu}. */
final class CudaQuantizeRows implements QuantizeRows {

    private final KernelLibrary library;

    CudaQuantizeRows(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkQuantizeRows(x, codes, scales, divisor, nonFinite);
        String types = x.dtype().name().toLowerCase(Locale.ROOT) + (codes.dtype() == DType.I8 ? "_i8" : "_e4m3");
        cuda.call(library.kernel("quantize_rows", "quantize_rows_" + types))
                .matrix(x)
                .matrix(codes)
                .matrix(scales)
                .matrix(nonFinite)
                .count(x.columns())
                .number(divisor)
                .type(scales.dtype())
                .launch(Grid.of(x.rows(), Rows.threads(x)));
    }
}
