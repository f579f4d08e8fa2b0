package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.QuantizationError;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Launches {@code quantization_error.cu}. */
public final class CudaQuantizationError implements QuantizationError {

    private static final int THREADS = 256;

    private final KernelLibrary library;

    public CudaQuantizationError(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void measure(
            Matrix x,
            Matrix codes,
            Matrix codebook,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            long groupColumns,
            float wholeScale,
            Matrix errors,
            Matrix reach,
            Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        QuantizationError.check(x, codes, codebook, scales, zeroPoints, groupColumns, errors, reach);
        cuda.call(library.kernel(
                        "quantization_error",
                        "quantization_error_" + x.dtype().name().toLowerCase(Locale.ROOT)))
                .matrix(x)
                .matrix(codes)
                .matrix(codebook)
                .matrix(scales)
                .optional(zeroPoints)
                .matrix(errors)
                .matrix(reach)
                .number((int) x.columns())
                .number((int) Math.min(groupColumns, Math.max(x.columns(), 1)))
                .number((int) scales.columns())
                .number(wholeScale)
                .launch(Grid.of(x.rows(), THREADS));
    }
}
