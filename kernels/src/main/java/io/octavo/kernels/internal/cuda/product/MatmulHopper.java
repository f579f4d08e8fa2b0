package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.internal.cuda.driver.PartialSums;
import java.util.List;

/** Operands of one type, BF16, E4M3 or INT8, on Hopper's own tensor-core instructions. */
final class MatmulHopper implements ProductKernel {

    private static final List<String> TILES = List.of("Slim", "Flat", "Square", "Tall", "Wide", "Pair");

    /** Of BF16: fewer are {@link MatmulNarrow}'s. */
    private static final int LEAST_ROWS = 17;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 2048;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final int multiprocessors;

    MatmulHopper(KernelFile file, DeviceMemory memory, int multiprocessors) {
        this.file = file;
        this.memory = memory;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        boolean known = switch (s.aType()) {
            case BF16 -> s.m() >= LEAST_ROWS;
            case F8_E4M3, I8 -> true;
            default -> false;
        };
        return known && !s.bounded() && s.hasOneType() && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (1 + s.m() / ROWS);
    }

    HopperPlan plan(Shape s) {
        int slabs = Math.ceilDiv(s.k() * s.aType().bytes(), file.constant("kSlabBytes"));
        return HopperPlan.fastest(file, TILES, false, s.m(), s.n(), slabs, multiprocessors);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        HopperPlan plan = plan(s);
        int slabBytes = file.constant("kSlabBytes");
        var kernel = file.kernel("matmul_hopper_" + p.w().type() + "_" + plan.tile());
        try (var parts = PartialSums.of("slices of a product", plan.partBytes(), memory, stream)) {
            stream.call(kernel)
                    .boxes(p.a().codes(), slabBytes, plan.rows())
                    .boxes(p.w().codes(), slabBytes, plan.columns() / plan.cluster())
                    .optional(p.a().scales())
                    .optional(p.w().scales())
                    .matrix(p.out())
                    .address(parts.address())
                    .address(stream.tickets(plan.tickets()))
                    .number(s.m())
                    .number(s.n())
                    .number(s.k() * s.aType().bytes())
                    .type(Scales.type(p.a().scales()))
                    .type(p.w().scaleType())
                    .number(Scales.perRow(p.a().scales()))
                    .number(p.w().scalePerRow())
                    .launch(plan.grid(kernel.threads()));
        }
    }
}
