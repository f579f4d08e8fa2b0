package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaBuffer;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Few rows of BF16 by a weight of 8 or 4 bits, as fast as memory brings the weight. */
final class MatmulStream implements ProductKernel {

    private static final double COST = 1.01;
    private static final int WARP = 32;

    /** Of a block, of the kernel itself, rounded up. */
    private static final int STATIC_SHARED_BYTES = 256;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 2;

    /** What adding up slices costs, and the parts of a block's warps, in slabs that a multiprocessor reads meanwhile. */
    private static final int SLICES_COST = 32;

    private static final int SPLITS_COST = 4;

    /** The former where integer units, which have nothing to do with it, set the pace. */
    private static final int PACKED_SLICES_COST = 16;

    /** What a kilobyte of a block's activations costs, of those that come later than its rings. */
    private static final double ACTIVATIONS_COST = 0.3;

    private static final int FREE_ACTIVATIONS = 32;

    /** How much more than its share of memory a multiprocessor reads while others have nothing to. */
    private static final double BUSY_SHARE = 1.25;

    /** Fewer warps a block decode more slowly than memory reads. */
    private static final int BUSY_WARPS = 8;

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
                && (!s.bounded() || find(s, rowTiles(s), 1) != null);
    }

    @Override
    public double cost(Shape s) {
        return COST * s.weightBytes();
    }

    /**
     * How a product is shared out.
     *
     * @param rowTiles of the weights, a block's
     * @param splits warps that have the same rows of the weight; one where there are slices
     * @param blocks beside each other
     * @param slices of k, each for a block of its own; one where the device alone knows the rows
     * @param tiles of the rows of groups, each for a block of its own
     * @param activations bytes of them in a block
     */
    record Plan(
            int rowTiles,
            int splits,
            int blocks,
            int sliceSlabs,
            int slices,
            int tiles,
            int stages,
            int activations,
            int sharedBytes) {

        int warps() {
            return rowTiles * splits;
        }

        /** About the slabs that a multiprocessor reads in the time that it takes, counted by warps. */
        double load(boolean isPacked, int multiprocessors) {
            int each = Math.ceilDiv(sliceSlabs, splits);
            long all = (long) blocks * slices * tiles;
            double share = (double) all * warps() * each / multiprocessors;
            double busiest = (double) Math.ceilDiv(all, multiprocessors) * warps() * each / BUSY_SHARE;
            int ofSlices = isPacked ? PACKED_SLICES_COST : SLICES_COST;
            int more = slices > 1 ? ofSlices : splits > 1 ? SPLITS_COST : 0;
            double late = Math.max(activations / 1024.0 - FREE_ACTIVATIONS, 0) * ACTIVATIONS_COST;
            return Math.max(share, busiest) * Math.max((double) BUSY_WARPS / warps(), 1) + more + late;
        }
    }

    /** Of one product. */
    Plan plan(Shape s) {
        return plan(s, rowTiles(s), 1);
    }

    private Plan plan(Shape s, int rowTiles, int tiles) {
        Plan best = find(s, rowTiles, tiles);
        if (best == null) {
            throw new IllegalArgumentException("no block has room for " + s);
        }
        return best;
    }

    /**
     * The plan that takes the least time; of several, the one with the most warps.
     *
     * @param rowTiles of all weights
     */
    private @Nullable Plan find(Shape s, int rowTiles, int tiles) {
        int mostWarps = file.constant("kMostWarps");
        @Nullable Plan best = null;
        for (int each = 1; each <= mostWarps; each++) {
            for (int splits = 1; splits <= mostWarps / each; splits += Math.max(mostWarps / each - 1, 1)) {
                Plan plan = plan(s, rowTiles, each, splits, tiles);
                boolean allowed =
                        plan.sharedBytes <= mostSharedBytes && (plan.slices == 1 || (!s.bounded() && splits == 1));
                if (allowed && (best == null || isBetter(plan, best, s.isPacked()))) {
                    best = plan;
                }
            }
        }
        return best;
    }

    private boolean isBetter(Plan plan, Plan than, boolean isPacked) {
        int order = Double.compare(plan.load(isPacked, multiprocessors), than.load(isPacked, multiprocessors));
        return order < 0 || (order == 0 && plan.warps() >= than.warps());
    }

    private Plan plan(Shape s, int rowTiles, int each, int mostSplits, int tiles) {
        int slabs = Math.ceilDiv(s.k(), slab(s));
        int most = Math.max(slabs / LEAST_SLICE_SLABS, 1);
        int splits = Math.min(mostSplits, most);
        int blocks = Math.ceilDiv(rowTiles, each);
        int wantedSlices = s.bounded() || splits > 1 ? 1 : Math.clamp(multiprocessors / blocks, 1, most);
        int stageBytes = each * splits * file.constant(s.isPacked() ? "kNibbleStage" : "kByteStage");
        int fewest = file.constant("kNibbleStages");
        int padding = s.m() * file.constant("kRowPadding");
        int mostSlabs = Math.max((mostSharedBytes - fewest * stageBytes - padding) / activationBytes(s), 1);
        int sliceSlabs = Math.min(Math.ceilDiv(slabs, wantedSlices), mostSlabs);
        int slices = Math.ceilDiv(slabs, sliceSlabs);
        int activations = padding + sliceSlabs * activationBytes(s);
        // Where every block can have a multiprocessor to itself, more than half of one's: two on one would leave
        // another idle.
        boolean fillsOnce = (long) blocks * slices * tiles <= multiprocessors;
        int room = fillsOnce ? mostSharedBytes : mostSharedBytes / 2;
        int wanted = file.constant(s.isPacked() ? "kNibbleStages" : "kByteStages");
        int stages = activations + wanted * stageBytes <= room ? wanted : fewest;
        int bytes = activations + stages * stageBytes;
        return new Plan(
                each,
                splits,
                blocks,
                sliceSlabs,
                slices,
                tiles,
                stages,
                activations,
                fillsOnce ? Math.max(bytes, mostSharedBytes / 2 + 1) : bytes);
    }

    /** Of a slab, in shared memory: the activations and, for codes with an offset, their sums. */
    private int activationBytes(Shape s) {
        int sums = s.isPacked() ? slab(s) / (unit(s) * file.constant("kPart")) * columns(s) * DType.F32.bytes() : 0;
        return s.m() * slab(s) * DType.BF16.bytes() + sums;
    }

    /** Rows of activations that the kernel has room for. */
    private int columns(Shape s) {
        int tileColumns = file.constant("kTileColumns");
        return s.m() <= tileColumns ? tileColumns : file.constant("kMostRows");
    }

    private int rowTiles(Shape s) {
        return Math.ceilDiv(s.n(), file.constant("kTileRows"));
    }

    @Override
    public List<Integer> groupTiles() {
        return List.of(file.constant("kTileColumns"), file.constant("kMostRows"));
    }

    @Override
    public int mostBeside() {
        return file.constant("kMostWeights");
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        launch(List.of(p), stream);
    }

    @Override
    public void launch(List<Product> beside, CudaStream stream) {
        Product p = beside.getFirst();
        Shape s = p.tileShape();
        int rowTiles = beside.stream().mapToInt(each -> rowTiles(each.shape())).sum();
        Plan plan = plan(s, rowTiles, p.tiles());
        String name = "matmul_stream_" + p.w().type() + "_" + columns(s) + "_" + unit(s);
        boolean alone = plan.slices() == 1;
        long partBytes = alone
                ? 0
                : (long) plan.slices()
                        * plan.blocks()
                        * plan.warps()
                        * file.constant("kTileRows")
                        * columns(s)
                        * DType.F32.bytes();
        int most = mostBeside();
        try (var parts = PartialSums.of("slices of a product", partBytes, memory, stream)) {
            stream.call(file.kernel(name, mostSharedBytes).with(plan.sharedBytes()))
                    .matrix(p.a().codes())
                    .addresses(
                            most,
                            CudaBuffer.addressesOf(beside, each -> each.w().codes()))
                    .addresses(
                            most,
                            CudaBuffer.addressesOf(beside, each -> each.w().scales()))
                    .addresses(most, CudaBuffer.addressesOf(beside, Product::out))
                    .numbers(most, beside.stream().map(each -> each.shape().n()).toList())
                    .address(parts.address())
                    .address(alone ? 0 : stream.tickets(plan.blocks()))
                    .optional(p.bounds())
                    .address(p.table())
                    .number(p.weightCount())
                    .number(p.shape().m())
                    .number(s.k())
                    .number(s.groups())
                    .number(plan.sliceSlabs())
                    .number(plan.slices())
                    .number(plan.splits())
                    .number(plan.stages())
                    .type(p.w().scaleType())
                    .number(p.w().scalePerRow())
                    .launch(new Grid(plan.blocks(), plan.slices(), plan.tiles(), plan.warps() * WARP));
        }
    }

    /** Parts that groups are multiples of, as kernels have it in their names; 0 without groups and offsets. */
    private int unit(Shape s) {
        if (s.groups() == 1 && !s.isPacked()) {
            return 0;
        }
        int wide = file.constant("kWideUnit");
        return s.groupColumns() % (wide * file.constant("kPart")) == 0 ? wide : 1;
    }

    /** Numbers of k in a stage. */
    private int slab(Shape s) {
        return file.constant("kRowBytes") * Byte.SIZE / s.bits();
    }
}
