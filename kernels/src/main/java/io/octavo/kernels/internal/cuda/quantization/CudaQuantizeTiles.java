package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.QuantizeTiles;
import io.octavo.kernels.quantization.Scaling;
import org.jspecify.annotations.Nullable;

/** Launches {@code quantize_tiles.cu}. */
public final class CudaQuantizeTiles implements QuantizeTiles {

    private final KernelLibrary library;

    public CudaQuantizeTiles(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void quantize(
            Matrix x,
            CodeFormat format,
            Tile tile,
            Scaling scaling,
            Matrix codes,
            Matrix scales,
            @Nullable Matrix zeroPoints,
            Matrix nonFinite,
            Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        QuantizeTiles.check(x, format, tile, scaling, codes, scales, zeroPoints, nonFinite);
        new TileLaunch(
                        TileLaunch.Kernels.CODES,
                        x,
                        codes,
                        format,
                        tile.rows(),
                        tile.columns(),
                        scaling,
                        scales,
                        zeroPoints,
                        nonFinite,
                        0)
                .launch(library, cuda);
    }
}
