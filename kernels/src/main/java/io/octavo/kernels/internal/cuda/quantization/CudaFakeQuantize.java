package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.number.CodeFormat;
import io.octavo.kernels.quantization.FakeQuantize;
import io.octavo.kernels.quantization.Scaling;

/** Launches {@code fake_quantize.cu}. */
public final class CudaFakeQuantize implements FakeQuantize {

    private final KernelLibrary library;

    public CudaFakeQuantize(KernelLibrary library) {
        this.library = library;
    }

    @Override
    public void apply(Matrix x, CodeFormat format, long groupColumns, Scaling scaling, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        FakeQuantize.check(x, format, groupColumns, scaling, out);
        new TileLaunch(TileLaunch.Kernels.ROUNDING, x, out, format, 1, groupColumns, scaling, null, null, null, 0)
                .launch(library, cuda);
    }

    @Override
    public void applyFixed(Matrix x, CodeFormat format, Matrix scales, int zeroPoint, Matrix out, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        FakeQuantize.checkFixed(x, format, scales, zeroPoint, out);
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
