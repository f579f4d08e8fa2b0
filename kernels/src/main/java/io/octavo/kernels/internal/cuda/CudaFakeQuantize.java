package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.CodeFormat;
import io.octavo.kernels.FakeQuantize;
import io.octavo.kernels.Matrix;
import io.octavo.kernels.Scaling;
import io.octavo.kernels.Stream;
import io.octavo.kernels.internal.Operands;

/** Launches {@code fake_quantize.cu}. */
final class CudaFakeQuantize implements FakeQuantize {

    private final KernelLibrary library;

    CudaFakeQuantize(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void apply(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkFakeQuantize(x, format, groupColumns, scaling, out);
        new TileLaunch(TileLaunch.Kernels.ROUNDING, x, out, format, 1, groupColumns, scaling, null, null, null, 0)
                .launch(library, cuda);
    }

    @Override
    public void applyFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        Operands.checkFakeQuantizeFixed(x, format, scales, zeroPoint, out);
        long rows = Math.max(x.rows(), 1);
        long groupColumns = x.columns() / scales.columns();
        new TileLaunch(
                        TileLaunch.Kernels.ROUNDING,
                        x,
                        out,
                        format,
                        rows,
                        Math.max(groupColumns, 1),
                        new Scaling.Given(),
                        scales,
                        null,
                        null,
                        zeroPoint)
                .launch(library, cuda);
    }
}
