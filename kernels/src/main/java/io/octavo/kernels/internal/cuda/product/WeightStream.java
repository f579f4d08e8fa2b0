package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.GpuDriver;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelLibrary;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import org.jspecify.annotations.Nullable;

/**
 * Launches {@code matmul_stream.cu}: at most {@value #MOST_ROWS} rows of BF16 activations with a weight of 8 or 4 bits, as
 * fast as memory brings the weight.
 */
final class WeightStream {

    private static final int MOST_ROWS = 16;

    /** Rows of an instance of the kernel are this or twice as many. */
    private static final int TILE_ROWS = 8;

    /** {@code kPart} of the kernel, which groups of columns that share a scale are multiples of. */
    private static final int PART = 32;

    /** Parts of the kernels named so, whose groups are multiples of that many: what most checkpoints have. */
    private static final int WIDE_UNIT = 4;

    /** Warps of a block, rows of the weight that each has, stages of its ring, and bytes of a row in a stage. */
    private static final int LEAST_WARPS = 4;

    private static final int MOST_WARPS = 16;
    private static final int WARP = 32;
    private static final int WARP_ROWS = 16;
    private static final int STAGES = 3;
    private static final int ROW_BYTES = 128;

    /** After a row of activations in shared memory. */
    private static final int ROW_PADDING = 64;

    /** Of a block, of the kernel itself, rounded up. */
    private static final int STATIC_SHARED_BYTES = 256;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 2;

    private final KernelLibrary library;
    private final DeviceMemory memory;
    private final int multiprocessors;
    private final int mostSharedBytes;

    WeightStream(KernelLibrary library, DeviceMemory memory, GpuDriver driver) {
        this.library = library;
        this.memory = memory;
        this.multiprocessors = driver.multiprocessors();
        this.mostSharedBytes = driver.mostSharedBytes() - STATIC_SHARED_BYTES;
    }

    /** Whether there is a kernel for so many rows of {@code columns} numbers and {@code groups} scales a row of weights. */
    static boolean fit(long rows, long columns, long groups) {
        return rows <= MOST_ROWS && (groups == 1 || columns / groups % PART == 0);
    }

    /**
     * How a product is shared out.
     *
     * @param blocks beside each other, each with all rows of the weight that its warps have
     * @param slices of k, each for a block of its own
     */
    private record Plan(int warps, int blocks, int sliceSlabs, int slices) {

        /** Slabs that the busiest multiprocessor reads, counted by warps. */
        long load(int multiprocessors) {
            return (long) warps * sliceSlabs * Math.ceilDiv(blocks * slices, multiprocessors);
        }
    }

    /** The plan that leaves the busiest multiprocessor the least to read; of several, the one with the most warps. */
    private Plan plan(int rows, int weightRows, int slabs, int codeBits) {
        int tiles = Math.ceilDiv(weightRows, WARP_ROWS);
        Plan best = plan(rows, tiles, slabs, codeBits, LEAST_WARPS);
        for (int warps = LEAST_WARPS + 1; warps <= MOST_WARPS; warps++) {
            Plan other = plan(rows, tiles, slabs, codeBits, warps);
            if (other.load(multiprocessors) <= best.load(multiprocessors)) {
                best = other;
            }
        }
        return best;
    }

    private Plan plan(int rows, int tiles, int slabs, int codeBits, int warps) {
        int blocks = Math.ceilDiv(tiles, warps);
        int wantedSlices = Math.clamp(multiprocessors / blocks, 1, Math.max(slabs / LEAST_SLICE_SLABS, 1));
        int room = mostSharedBytes - warps * ringBytes(codeBits) - rows * ROW_PADDING;
        int mostSlabs = Math.max(room / (rows * slab(codeBits) * DType.BF16.bytes()), 1);
        int sliceSlabs = Math.min(Math.ceilDiv(slabs, wantedSlices), mostSlabs);
        return new Plan(warps, blocks, sliceSlabs, Math.ceilDiv(slabs, sliceSlabs));
    }

    /** @param bounds as {@link CudaMatMul#multiplyRows} */
    void multiply(Matrix a, @Nullable Matrix bounds, CodedWeight w, Matrix out, CudaStream stream) {
        int rows = (int) a.rows();
        int columns = (int) a.columns();
        int weightRows = (int) w.codes().rows();
        Plan plan = plan(rows, weightRows, Math.ceilDiv(columns, slab(w.codeBits())), w.codeBits());
        String name = "matmul_stream_" + w.type() + "_" + (rows <= TILE_ROWS ? TILE_ROWS : 2 * TILE_ROWS) + "_"
                + unit(columns, w.groups());
        int tileRows = TILE_ROWS * Math.ceilDiv(rows, TILE_ROWS);
        boolean alone = plan.slices() == 1;
        long partBytes = alone
                ? 0
                : (long) plan.slices() * plan.blocks() * plan.warps() * WARP_ROWS * tileRows * DType.F32.bytes();
        Matrix scales = w.scales();
        try (var parts = PartialSums.of("slices of a product", partBytes, memory, stream)) {
            stream.call(library.kernel("matmul_stream", name, mostSharedBytes).with(sharedBytes(plan, rows, w)))
                    .matrix(a)
                    .matrix(w.codes())
                    .optional(scales)
                    .matrix(out)
                    .address(parts.address())
                    .address(alone ? 0 : stream.tickets(plan.blocks()))
                    .optional(bounds)
                    .number(rows)
                    .number(weightRows)
                    .number(columns)
                    .number(w.groups())
                    .number(plan.sliceSlabs())
                    .number(plan.slices())
                    .type(scales == null ? DType.F32 : scales.dtype())
                    .number(CudaMatMul.perRow(scales))
                    .launch(new Grid(plan.blocks(), plan.slices(), 1, plan.warps() * WARP));
        }
    }

    /** Where every block can have a multiprocessor to itself, more than half of one's: two on one would leave another idle. */
    private int sharedBytes(Plan plan, int rows, CodedWeight w) {
        int needed = plan.warps() * ringBytes(w.codeBits())
                + rows * (plan.sliceSlabs() * slab(w.codeBits()) * DType.BF16.bytes() + ROW_PADDING);
        boolean fillsOnce = plan.blocks() * plan.slices() <= multiprocessors;
        return fillsOnce ? Math.max(needed, mostSharedBytes / 2 + 1) : needed;
    }

    private static int unit(int columns, int groups) {
        if (groups == 1) {
            return 0;
        }
        return columns / groups % (WIDE_UNIT * PART) == 0 ? WIDE_UNIT : 1;
    }

    /** Numbers of k in a stage. */
    private static int slab(int codeBits) {
        return ROW_BYTES * Byte.SIZE / codeBits;
    }

    /** {@code kStages} stages of the kernel, whose rows of 4-bit codes are padded. */
    private static int ringBytes(int codeBits) {
        return STAGES * WARP_ROWS * (codeBits < Byte.SIZE ? ROW_BYTES + 16 : ROW_BYTES);
    }
}
