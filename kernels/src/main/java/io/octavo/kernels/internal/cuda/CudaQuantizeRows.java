package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.DType;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.QuantizeRows;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Launches {@code quantize_rows.cu}. */
final class CudaQuantizeRows implements QuantizeRows {

    /** {@code kKept} and {@code kMostRowThreads} of the kernels. */
    private static final int KEPT = 8;

    private static final int MOST_THREADS = 512;

    private final KernelLibrary library;

    CudaQuantizeRows(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(Matrix x, Matrix codes, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkQuantizeRows(x, codes, scales, divisor, nonFinite);
        launch("quantize_rows_" + suffix(x) + "_" + suffix(codes), x, codes, scales, nonFinite, divisor, cuda);
    }

    @Override
    public void scales(Matrix x, Matrix scales, float divisor, Matrix nonFinite, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkRowScales(x, scales, divisor, nonFinite);
        launch("row_scales_" + suffix(x), x, null, scales, nonFinite, divisor, cuda);
    }

    @Override
    public void encode(Matrix x, Matrix scales, Matrix codes, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkEncodeRows(x, scales, codes);
        launch("encode_rows_" + suffix(x) + "_" + suffix(codes), x, codes, scales, null, 1, cuda);
    }

    private void launch(
            String kernel,
            Matrix x,
            @Nullable Matrix codes,
            Matrix scales,
            @Nullable Matrix nonFinite,
            float divisor,
            CudaStream stream) {
        stream.call(library.kernel("quantize_rows", kernel))
                .matrix(x)
                .optional(codes)
                .matrix(scales)
                .optional(nonFinite)
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
