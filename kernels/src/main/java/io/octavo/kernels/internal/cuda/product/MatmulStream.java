package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import java.util.List;

/** Few rows of BF16 by a weight of 8 or 4 bits, as fast as memory brings the weight. */
final class MatmulStream implements ProductKernel {

    private static final double COST = 1.01;
    private static final int LEAST_WARPS = 4;
    private static final int WARP = 32;

    /** Of a block, of the kernel itself, rounded up. */
    private static final int STATIC_SHARED_BYTES = 256;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 2;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final int multiprocessors;
    private final int mostSharedBytes;

    MatmulStream(KernelFile file, DeviceMemory memory, int multiprocessors, int mostSharedBytes) {
        this.file = file;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
        this.mostSharedBytes = mostSharedBytes - STATIC_SHARED_BYTES;
    }

    @Override
    public boolean takes(Shape s) {
        return s.isPlain(DType.BF16)
                && s.isCoded()
                && s.m() <= file.constant("kMostRows")
                && (s.groups() == 1 || s.groupColumns() % file.constant("kPart") == 0)
                && s.aligned()
                && (!s.bounded() || plan(s, LEAST_WARPS, 1).slices() == 1);
    }

    @Override
    public double cost(Shape s) {
        return COST * s.weightBytes();
    }

    /**
     * How a product is shared out.
     *
     * @param blocks beside each other, each with all rows of the weight that its warps have
     * @param slices of k, each for a block of its own; one where the device alone knows the rows
     * @param tiles of the rows of groups, each for a block of its own
     */
    private record Plan(int warps, int blocks, int sliceSlabs, int slices, int tiles) {

        /** Slabs that the busiest multiprocessor reads, counted by warps. */
        long load(int multiprocessors) {
            return (long) warps * sliceSlabs * Math.ceilDiv(blocks * slices * tiles, multiprocessors);
        }
    }

    /** The plan that leaves the busiest multiprocessor the least to read; of several, the one with the most warps. */
    private Plan plan(Shape s, int tiles) {
        Plan best = plan(s, LEAST_WARPS, tiles);
        for (int warps = LEAST_WARPS + 1; warps <= file.constant("kMostWarps"); warps++) {
            Plan other = plan(s, warps, tiles);
            boolean allowed = !s.bounded() || other.slices() == 1;
            if (allowed && other.load(multiprocessors) <= best.load(multiprocessors)) {
                best = other;
            }
        }
        return best;
    }

    private Plan plan(Shape s, int warps, int tiles) {
        int slabs = Math.ceilDiv(s.k(), slab(s));
        int blocks = Math.ceilDiv(Math.ceilDiv(s.n(), file.constant("kTileRows")), warps);
        int wantedSlices =
                s.bounded() ? 1 : Math.clamp(multiprocessors / blocks, 1, Math.max(slabs / LEAST_SLICE_SLABS, 1));
        int room = mostSharedBytes - warps * ring(s) - s.m() * file.constant("kRowPadding");
        int mostSlabs = Math.max(room / (s.m() * slab(s) * DType.BF16.bytes()), 1);
        int sliceSlabs = Math.min(Math.ceilDiv(slabs, wantedSlices), mostSlabs);
        return new Plan(warps, blocks, sliceSlabs, Math.ceilDiv(slabs, sliceSlabs), tiles);
    }

    @Override
    public List<Integer> groupTiles() {
        return List.of(file.constant("kTileColumns"), file.constant("kMostRows"));
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.tileShape();
        Plan plan = plan(s, p.tiles());
        int tileColumns = file.constant("kTileColumns");
        int tileRows = tileColumns * Math.ceilDiv(s.m(), tileColumns);
        String name = "matmul_stream_" + p.w().type() + "_"
                + (s.m() <= tileColumns ? tileColumns : file.constant("kMostRows")) + "_" + unit(s);
        boolean alone = plan.slices() == 1;
        long partBytes = alone
                ? 0
                : (long) plan.slices()
                        * plan.blocks()
                        * plan.warps()
                        * file.constant("kTileRows")
                        * tileRows
                        * DType.F32.bytes();
        try (var parts = PartialSums.of("slices of a product", partBytes, memory, stream)) {
            stream.call(file.kernel(name, mostSharedBytes).with(sharedBytes(plan, s)))
                    .matrix(p.a().codes())
                    .matrix(p.w().codes())
                    .optional(p.w().scales())
                    .matrix(p.out())
                    .address(parts.address())
                    .address(alone ? 0 : stream.tickets(plan.blocks()))
                    .optional(p.bounds())
                    .address(p.table())
                    .number(p.weightCount())
                    .number(p.shape().m())
                    .number(s.n())
                    .number(s.k())
                    .number(s.groups())
                    .number(plan.sliceSlabs())
                    .number(plan.slices())
                    .type(p.w().scaleType())
                    .number(p.w().scalePerRow())
                    .launch(new Grid(plan.blocks(), plan.slices(), plan.tiles(), plan.warps() * WARP));
        }
    }

    /** Where every block can have a multiprocessor to itself, more than half of one's: two on one would leave another idle. */
    private int sharedBytes(Plan plan, Shape s) {
        int needed = plan.warps() * ring(s)
                + s.m() * (plan.sliceSlabs() * slab(s) * DType.BF16.bytes() + file.constant("kRowPadding"));
        boolean fillsOnce = (long) plan.blocks() * plan.slices() * plan.tiles() <= multiprocessors;
        return fillsOnce ? Math.max(needed, mostSharedBytes / 2 + 1) : needed;
    }

    /** Parts that groups are multiples of, as kernels have it in their names; 0 without groups. */
    private int unit(Shape s) {
        if (s.groups() == 1) {
            return 0;
        }
        int wide = file.constant("kWideUnit");
        return s.groupColumns() % (wide * file.constant("kPart")) == 0 ? wide : 1;
    }

    /** Numbers of k in a stage. */
    private int slab(Shape s) {
        return file.constant("kRowBytes") * Byte.SIZE / s.bits();
    }

    private int ring(Shape s) {
        return file.constant(s.isPacked() ? "kNibbleRing" : "kByteRing");
    }
}
