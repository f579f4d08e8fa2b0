package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.ObserveHistogram;
import java.util.Locale;

/** Launches {@code observe_histogram.cu}. */
public final class CudaObserveHistogram implements ObserveHistogram {

    private static final int THREADS = 256;

    private static final int WARPS = 8;

    /** Blocks a multiprocessor that keep memory busy. */
    private static final int BLOCKS = 4;

    /** Shared memory that counts of a block take at most, unless one copy takes more. */
    private static final int SHARED_BYTES = 40 << 10;

    private final KernelLibrary library;
    private final int multiprocessors;

    public CudaObserveHistogram(KernelLibrary library, int multiprocessors) {
        this.library = library;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public void observe(Matrix x, float range, Matrix counts, Stream stream) {
        CudaStream cuda = CudaStream.require(stream);
        ObserveHistogram.check(x, range, counts);
        int columns = (int) counts.columns();
        int copies = Math.clamp(Integer.highestOneBit(Math.max(SHARED_BYTES / (columns * Integer.BYTES), 1)), 1, WARPS);
        String type = x.dtype().name().toLowerCase(Locale.ROOT);
        long wanted = Math.ceilDiv(x.elements(), (long) THREADS);
        Kernel kernel = library.kernel("observe_histogram", "observe_histogram_" + type, SHARED_BYTES);
        cuda.call(kernel)
                .matrix(x)
                .matrix(counts)
                .count(x.elements())
                .number(columns)
                .number(copies)
                .number((columns - 1) / range)
                .launch(Grid.of(Math.min(wanted, (long) BLOCKS * multiprocessors), THREADS));
    }
}
