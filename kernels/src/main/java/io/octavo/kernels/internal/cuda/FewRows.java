package io.octavo.kernels.internal.cuda;

import io.octavo.kernels.DType;
import io.octavo.kernels.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code matmul_few.cu}: at most {@value #MOST_ROWS} rows of BF16 activations with a weight of 8 or 4 bits, which is
 * read once.
 */
final class FewRows {

    static final int MOST_ROWS = 64;

    /** What groups of columns that share a scale are a multiple of: {@code kPart} of the kernel. */
    static final int GROUP_UNIT = 32;

    private static final int LEAST_ROWS = 8;

    /** Columns of a block, numbers of k in a stage, and threads, as the kernels have them. */
    private static final int COLUMNS = 128;

    private static final int SLAB = 128;
    private static final int THREADS = 128;
    private static final int SUM_THREADS = 256;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 4;

    /** Blocks that a multiprocessor runs at a time. */
    private static final int BLOCKS = 2;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final int multiprocessors;

    /**
     * @param codes {@code [n, bytes of a row]}
     * @param codeBits of one code: 8 or 4
     * @param scales {@code [n, groups]}, {@code [1, 1]} or null
     */
    record Weight(
            String type,
            Matrix codes,
            int codeBits,
            @Nullable Matrix scales) {
        int groups() {
            return scales == null ? 1 : Math.toIntExact(scales.columns());
        }
    }

    FewRows(KernelLibrary library, DeviceMemory memory, int multiprocessors) {
        this.library = library;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    /** @param bounds as {@link CudaMatMul#multiplyRows} */
    void multiply(Matrix a, @Nullable Matrix bounds, Weight w, Matrix out, CudaStream stream) {
        int blocks = Math.toIntExact(Math.ceilDiv(w.codes.rows(), (long) COLUMNS));
        int slabs = Math.toIntExact(Math.ceilDiv(a.columns(), (long) SLAB));
        int wantedSlices =
                Math.clamp((long) BLOCKS * multiprocessors / blocks, 1, Math.max(slabs / LEAST_SLICE_SLABS, 1));
        int sliceSlabs = Math.ceilDiv(slabs, wantedSlices);
        int slices = Math.ceilDiv(slabs, sliceSlabs);
        if (slices == 1) {
            launch(a, bounds, w, CudaBuffer.addressOf(out), out, sliceSlabs, 1, stream);
            return;
        }
        long bytes = Math.multiplyExact(out.bytes(), (long) slices);
        try (CudaBuffer parts = memory.scratch("slices of a product", bytes, stream)) {
            long address = CudaBuffer.addressOf(Matrix.of(parts, DType.U8, 1, bytes));
            launch(a, bounds, w, address, out, sliceSlabs, slices, stream);
            parameters(
                            stream.call(library.kernel("matmul_few", "matmul_few_sum")),
                            a,
                            bounds,
                            w,
                            address,
                            out,
                            sliceSlabs,
                            slices)
                    .launch(Grid.covering(out.elements(), SUM_THREADS));
        }
    }

    private void launch(
            Matrix a,
            @Nullable Matrix bounds,
            Weight w,
            long target,
            Matrix out,
            int sliceSlabs,
            int slices,
            CudaStream stream) {
        int rows = Math.max(LEAST_ROWS, Integer.highestOneBit(2 * (int) a.rows() - 1));
        String name = "matmul_few_" + w.type + "_" + rows + (w.groups() > 1 ? "_groups" : "");
        int blocks = Math.toIntExact(Math.ceilDiv(w.codes.rows(), (long) COLUMNS));
        parameters(
                        stream.call(library.kernel("matmul_few", name, sharedBytes(rows, w.codeBits))),
                        a,
                        bounds,
                        w,
                        target,
                        out,
                        sliceSlabs,
                        slices)
                .launch(new Grid(blocks, slices, 1, THREADS));
    }

    /** {@code kStages} stages of the kernel. */
    private static int sharedBytes(int rows, int codeBits) {
        int stages = rows > 16 ? 3 : 4;
        return stages * (rows * SLAB * DType.BF16.bytes() + COLUMNS * SLAB * codeBits / Byte.SIZE);
    }

    private static KernelCall parameters(
            KernelCall call,
            Matrix a,
            @Nullable Matrix bounds,
            Weight w,
            long target,
            Matrix out,
            int sliceSlabs,
            int slices) {
        Matrix scales = w.scales;
        return call.matrix(a)
                .matrix(w.codes)
                .optional(scales)
                .address(target)
                .matrix(out)
                .optional(bounds)
                .number((int) a.rows())
                .number((int) w.codes.rows())
                .number((int) a.columns())
                .number(w.groups())
                .number(sliceSlabs)
                .number(slices)
                .type(scales == null ? DType.F32 : scales.dtype())
                .number(CudaMatMul.perRow(scales));
    }
}
