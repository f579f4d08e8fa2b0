package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.CodeFormat;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.QuantizeTiles;
import io.octavo.kernels.Scaling;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;
import org.jspecify.annotations.Nullable;

/** Launches {@code quantize_tiles.cu}. */
final class CudaQuantizeTiles implements QuantizeTiles {

    private final KernelLibrary library;

    CudaQuantizeTiles(KernelLibrary library) {
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
        Operands.checkQuantizeTiles(x, format, tile, scaling, codes, scales, zeroPoints, nonFinite);
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
