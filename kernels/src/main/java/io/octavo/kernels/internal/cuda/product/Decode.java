package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;

/** Launches {@code decode.cu}: codes of 8 or 4 bits as BF16 numbers, which holds every one of them exactly. */
final class Decode {

    private final KernelFile file;

    Decode(KernelFile file) {
        this.file = file;
    }

    /** Whether rows in groups of so many columns can be decoded. */
    boolean takesGroupsOf(int columns) {
        return columns % file.constant("kCount") == 0;
    }

    /**
     * @param values receives {@code [n, k]} BF16
     * @param scaled whether scales, which may be those of groups, go into the values; otherwise these are the codes
     */
    void launch(Weight w, Matrix values, boolean scaled, CudaStream stream) {
        var scales = scaled ? w.scales() : null;
        int columns = Math.toIntExact(values.columns());
        var kernel = file.kernel("decode");
        var call = stream.call(kernel)
                .matrix(w.codes())
                .matrix(values)
                .optional(scales)
                .count(values.rows())
                .number(columns)
                .number(scaled ? columns / w.groups() : columns);
        (w.isPacked() ? call.number(file.constant("kI4")) : call.type(w.codes().dtype()))
                .type(Scales.type(scales))
                .launch(Grid.covering(values.elements() / file.constant("kCount"), kernel.threads()));
    }
}
