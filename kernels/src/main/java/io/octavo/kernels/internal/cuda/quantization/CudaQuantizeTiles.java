package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.QuantizeTiles;

/** Launches {@code quantize_tiles.cu}. */
public final class CudaQuantizeTiles implements QuantizeTiles {

    private final KernelLibrary library;

    public CudaQuantizeTiles(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(Arguments arguments, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        new TileLaunch(
                        TileLaunch.Kernels.CODES,
                        arguments.x(),
                        arguments.codes(),
                        arguments.format(),
                        arguments.tile().rows(),
                        arguments.tile().columns(),
                        arguments.scaling(),
                        arguments.scales(),
                        arguments.zeroPoints(),
                        arguments.nonFinite(),
                        0)
                .launch(library, cuda);
    }
}
