package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.ObserveRange;
import java.util.Locale;

/** Launches {@code observe_range.cu}. */
public final class CudaObserveRange implements ObserveRange {

    /** Blocks a multiprocessor that keep memory busy; more would only share out the same work. */
    private static final int BLOCKS = 8;

    private final KernelLibrary library;
    private final int multiprocessors;

    public CudaObserveRange(KernelLibrary library, int multiprocessors) {
        this.library = library;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public void observe(Matrix x, Matrix ranges, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ObserveRange.check(x, ranges);
        int groups = Math.toIntExact(ranges.rows());
        long wantedChunks = Math.max((long) BLOCKS * multiprocessors / groups, 1);
        long chunkRows = Math.max(Math.ceilDiv(x.rows(), wantedChunks), 1);
        long chunks = x.columns() == 0 ? 0 : Math.ceilDiv(x.rows(), chunkRows);
        String type = x.dtype().name().toLowerCase(Locale.ROOT);
        Kernel kernel = library.kernel("observe_range", "observe_range_" + type);
        cuda.call(kernel)
                .matrix(x)
                .matrix(ranges)
                .count(x.rows())
                .count(x.columns())
                .count(x.columns() / groups)
                .count(chunkRows)
                .number(groups)
                .launch(Grid.of(Math.multiplyExact(chunks, groups), kernel.threads()));
    }
}
