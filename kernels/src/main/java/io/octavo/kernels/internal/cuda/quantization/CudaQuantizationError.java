package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.QuantizationError;
import java.util.Locale;

/** Launches {@code quantization_error.cu}. */
public final class CudaQuantizationError implements QuantizationError {

    private final KernelLibrary library;

    public CudaQuantizationError(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void measure(Arguments arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        String type = arguments.x().dtype().name().toLowerCase(Locale.ROOT);
        Kernel kernel = library.kernel("quantization_error", "quantization_error_" + type);
        cuda.call(kernel)
                .matrix(arguments.x())
                .matrix(arguments.codes())
                .matrix(arguments.codebook())
                .matrix(arguments.scales())
                .optional(arguments.zeroPoints())
                .matrix(arguments.errors())
                .matrix(arguments.reach())
                .number((int) arguments.x().columns())
                .number((int) Math.min(
                        arguments.groupColumns(), Math.max(arguments.x().columns(), 1)))
                .number((int) arguments.scales().columns())
                .number(arguments.wholeScale())
                .launch(Grid.of(arguments.x().rows(), kernel.threads()));
    }
}
