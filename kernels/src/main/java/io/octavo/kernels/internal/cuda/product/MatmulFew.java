package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * More rows of BF16 than {@link MatmulStream} takes by a weight of 8 or 4 bits, which each launch reads once. Without bounds,
 * which count from the first row, many rows take several launches.
 */
final class MatmulFew implements ProductKernel {

    /** More than {@link MatmulStream}. */
    private static final double COST = 1.05;

    /** How often the weight is read for more rows before it costs less to decode it once. */
    private static final int MOST_PASSES = 2;

    private static final int MOST_GROUPED_PASSES = 3;

    /** Fewer slabs do not fill a ring. */
    private static final int LEAST_SLICE_SLABS = 4;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final int multiprocessors;
    private final MatmulStream stream;

    MatmulFew(KernelFile file, DeviceMemory memory, int multiprocessors, MatmulStream stream) {
        this.file = file;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
        this.stream = stream;
    }

    @Override
    public boolean takes(Shape s) {
        boolean grouped = s.groups() > 1;
        return s.isPlain(DType.BF16)
                && s.isCoded()
                && passes(s) <= mostPasses(s, grouped)
                && (!grouped || s.groupColumns() % file.constant("kPart") == 0)
                && s.aligned();
    }

    private static int mostPasses(Shape s, boolean grouped) {
        if (s.bounded()) {
            return 1;
        }
        return grouped ? MOST_GROUPED_PASSES : MOST_PASSES;
    }

    private int passes(Shape s) {
        return Math.ceilDiv(s.m(), mostRows(s));
    }

    /** Rows that a launch takes. */
    private int mostRows(Shape s) {
        return file.constant(s.groups() == 1 ? "kMostRows" : "kMostGroupedRows");
    }

    @Override
    public double cost(Shape s) {
        return COST * passes(s) * s.weightBytes();
    }

    @Override
    public List<Integer> groupTiles() {
        return List.of(file.constant("kLeastRows"), file.constant("kMostRows"));
    }

    @Override
    public void launch(Product p, CudaStream cuda) {
        Shape s = p.tileShape();
        int most = mostRows(s);
        if (s.m() <= most) {
            launchOnce(p, cuda);
            return;
        }
        for (int from = 0; from < s.m(); from += most) {
            Product rows = p.rows(from, Math.min(from + most, s.m()));
            if (stream.takes(rows.shape())) {
                stream.launch(rows, cuda);
            } else {
                launchOnce(rows, cuda);
            }
        }
    }

    private void launchOnce(Product p, CudaStream cuda) {
        Shape s = p.tileShape();
        int blocks = Math.ceilDiv(s.n(), file.constant("kColumns"));
        int slabs = Math.ceilDiv(s.k(), file.constant("kWRowBytes") * Byte.SIZE / s.bits());
        int wantedSlices = p.groups() != null
                ? 1
                : Math.clamp(
                        (long) file.constant("kBlocks") * multiprocessors / blocks,
                        1,
                        Math.max(slabs / LEAST_SLICE_SLABS, 1));
        int sliceSlabs = Math.ceilDiv(slabs, wantedSlices);
        int slices = Math.ceilDiv(slabs, sliceSlabs);
        int rows = Math.max(file.constant("kLeastRows"), Integer.highestOneBit(2 * s.m() - 1));
        var kernel = file.kernel("matmul_few_" + p.w().type() + "_" + rows + (s.groups() > 1 ? "_groups" : ""));
        long partBytes = slices == 1 ? 0 : Math.multiplyExact(p.out().bytes(), (long) slices);
        try (var parts = PartialSums.of("slices of a product", partBytes, memory, cuda)) {
            cuda.call(kernel)
                    .matrix(p.a().codes())
                    .matrix(p.w().codes())
                    .optional(p.w().scales())
                    .matrix(p.out())
                    .address(parts.address())
                    .address(slices == 1 ? 0 : cuda.tickets(blocks))
                    .optional(p.bounds())
                    .address(p.table())
                    .number(p.weightCount())
                    .number(p.shape().m())
                    .number(s.n())
                    .number(s.k())
                    .number(s.groups())
                    .number(sliceSlabs)
                    .number(slices)
                    .type(p.w().scaleType())
                    .number(p.w().scalePerRow())
                    .launch(new Grid(blocks, slices, p.tiles(), kernel.threads()));
        }
    }
}
