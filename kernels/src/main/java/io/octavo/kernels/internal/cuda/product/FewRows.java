package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code matmul_few.cu}: more rows than {@link WeightStream} takes, at most {@link #mostRows}, of BF16
 * activations with a weight of 8 or 4 bits, which each launch reads once.
 */
final class FewRows {

    private static final int MOST_ROWS = 64;

    /** With a second set of sums for the group at hand, registers suffice for fewer. */
    private static final int MOST_GROUPED_ROWS = 32;

    /** How often the weight is read for more rows before it costs less to decode it once. */
    private static final int MOST_PASSES = 2;

    private static final int MOST_GROUPED_PASSES = 3;

    /** What groups of columns that share a scale are a multiple of: {@code kPart} of the kernel. */
    private static final int GROUP_UNIT = 32;

    /** {@link WeightStream} takes fewer rows. */
    private static final int LEAST_ROWS = 32;

    /** Columns of a block, bytes of each in a stage, and threads, as the kernels have them. */
    private static final int COLUMNS = 128;

    private static final int SLAB_BYTES = 128;
    private static final int THREADS = 128;
    private static final int STAGES = 3;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 4;

    /** Blocks that a multiprocessor runs at a time. */
    private static final int BLOCKS = 2;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final int multiprocessors;

    FewRows(KernelLibrary library, DeviceMemory memory, int multiprocessors) {
        this.library = library;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    /** Whether the product of so many rows of {@code columns} numbers and {@code groups} scales a row of weights is ours. */
    static boolean fit(long rows, long columns, long groups) {
        return rows <= mostRows(groups) * (groups == 1 ? MOST_PASSES : MOST_GROUPED_PASSES)
                && (groups == 1 || columns / groups % GROUP_UNIT == 0);
    }

    /** Rows that a launch takes. */
    static long mostRows(long groups) {
        return groups == 1 ? MOST_ROWS : MOST_GROUPED_ROWS;
    }

    /** @param bounds as {@link CudaMatMul#multiplyRows} */
    void multiply(Matrix a, @Nullable Matrix bounds, CodedWeight w, Matrix out, CudaStream stream) {
        int blocks = Math.toIntExact(Math.ceilDiv(w.codes().rows(), (long) COLUMNS));
        int slabs = Math.toIntExact(Math.ceilDiv(a.columns(), (long) slab(w.codeBits())));
        int wantedSlices =
                Math.clamp((long) BLOCKS * multiprocessors / blocks, 1, Math.max(slabs / LEAST_SLICE_SLABS, 1));
        int sliceSlabs = Math.ceilDiv(slabs, wantedSlices);
        int slices = Math.ceilDiv(slabs, sliceSlabs);
        int rows = Math.max(LEAST_ROWS, Integer.highestOneBit(2 * (int) a.rows() - 1));
        String name = "matmul_few_" + w.type() + "_" + rows + (w.groups() > 1 ? "_groups" : "");
        Matrix scales = w.scales();
        long partBytes = slices == 1 ? 0 : Math.multiplyExact(out.bytes(), (long) slices);
        try (var parts = PartialSums.of("slices of a product", partBytes, memory, stream)) {
            stream.call(library.kernel("matmul_few", name, sharedBytes(rows, w.codeBits())))
                    .matrix(a)
                    .matrix(w.codes())
                    .optional(scales)
                    .matrix(out)
                    .address(parts.address())
                    .address(slices == 1 ? 0 : stream.tickets(blocks))
                    .optional(bounds)
                    .number((int) a.rows())
                    .number((int) w.codes().rows())
                    .number((int) a.columns())
                    .number(w.groups())
                    .number(sliceSlabs)
                    .number(slices)
                    .type(scales == null ? DType.F32 : scales.dtype())
                    .number(CudaMatMul.perRow(scales))
                    .launch(new Grid(blocks, slices, 1, THREADS));
        }
    }

    /** Numbers of k in a stage. */
    private static int slab(int codeBits) {
        return SLAB_BYTES * Byte.SIZE / codeBits;
    }

    /** {@code kStages} stages of the kernel. */
    private static int sharedBytes(int rows, int codeBits) {
        return STAGES * (rows * slab(codeBits) * DType.BF16.bytes() + COLUMNS * SLAB_BYTES);
    }
}
