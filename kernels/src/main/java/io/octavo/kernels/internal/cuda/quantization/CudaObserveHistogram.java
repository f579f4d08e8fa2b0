package io.octavo.kernels.internal.cuda.quantization;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.Kernel;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.quantization.ObserveHistogram;
import java.util.Locale;

/** Launches {@code observe_histogram.cu}. */
public final class CudaObserveHistogram implements ObserveHistogram {

    /** Blocks a multiprocessor that keep memory busy. */
    private static final int BLOCKS = 4;

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
        KernelFile file = library.file("observe_histogram");
        Kernel kernel = file.kernel("observe_histogram_" + x.dtype().name().toLowerCase(Locale.ROOT));
        int pitch = Math.ceilDiv(columns, file.constant("kRun")) * file.constant("kRun");
        int fitting = Integer.highestOneBit(Math.max(kernel.sharedBytes() / (pitch * Integer.BYTES), 1));
        int copies = Math.min(fitting, file.constant("kWarps"));
        long wanted = Math.ceilDiv(x.elements(), (long) kernel.threads());
        cuda.call(kernel)
                .matrix(x)
                .matrix(counts)
                .count(x.elements())
                .number(columns)
                .number(copies)
                .number(pitch)
                .number((columns - 1) / range)
                .launch(Grid.of(Math.min(wanted, (long) BLOCKS * multiprocessors), kernel.threads()));
    }
}
