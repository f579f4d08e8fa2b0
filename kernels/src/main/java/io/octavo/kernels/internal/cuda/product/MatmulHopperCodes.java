package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import io.octavo.kernels.number.DType;
import java.util.List;

/**
 * More rows of BF16 than {@link MatmulStream} takes by a weight of 8 or 4 bits, decoded on the way to Hopper's own tensor-core
 * instructions.
 */
final class MatmulHopperCodes implements ProductKernel {

    private static final List<String> TILES = List.of("Slim", "Flat", "Square", "Tall");

    /** Of the fewest rows: more than {@link MatmulStream}. */
    private static final double COST = 1.02;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 110;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final int multiprocessors;

    MatmulHopperCodes(KernelFile file, DeviceMemory memory, int multiprocessors) {
        this.file = file;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        return s.isPlain(DType.BF16)
                && s.isCoded()
                && (s.groups() == 1 || (s.isPacked() && s.groupColumns() % file.constant("kPairColumns") == 0))
                && !s.bounded()
                && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * Math.max(COST, s.m() / (ROWS * s.bits() / Byte.SIZE));
    }

    HopperPlan plan(Shape s) {
        // Of 128 numbers, which take as long whatever bits they have.
        int slabs = Math.ceilDiv(s.k(), file.constant("kPairColumns"));
        return HopperPlan.fastest(file, TILES, true, s.m(), List.of(s.n()), slabs, multiprocessors);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        HopperPlan plan = plan(s);
        int slabBytes = file.constant("kSlabBytes");
        int pairs = Math.ceilDiv(s.groupColumns(), file.constant("kPairColumns"));
        var kernel = file.kernel("matmul_hopper_codes_" + p.w().type() + "_" + plan.tile());
        try (var parts = PartialSums.of("slices of a product", plan.partBytes(), memory, stream)) {
            stream.call(kernel)
                    .boxes(p.a().codes(), slabBytes, plan.rows() / plan.cluster())
                    .boxes(p.w().codes(), slabBytes, plan.columns())
                    .optional(p.w().scales())
                    .matrix(p.out())
                    .address(parts.address())
                    .address(stream.tickets(plan.tickets()))
                    .number(s.m())
                    .number(s.n())
                    .number(s.k() * s.bits() / Byte.SIZE)
                    .number(s.groups())
                    .number(pairs)
                    .type(p.w().scaleType())
                    .number(p.w().scalePerRow())
                    .launch(plan.grid(kernel.threads()));
        }
    }
}
