package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;

/** BF16 by BF16 and INT8 by INT8 for many rows, on Hopper's own tensor-core instructions. */
final class MatmulHopper implements ProductKernel {

    /** Below, a tile would multiply more padding than rows. */
    private static final int LEAST_ROWS = 33;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 2048;

    private final KernelFile file;
    private final int multiprocessors;

    MatmulHopper(KernelFile file, int multiprocessors) {
        this.file = file;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        boolean known = switch (s.aType()) {
            case BF16, I8 -> true;
            default -> false;
        };
        return known && !s.bounded() && s.m() >= LEAST_ROWS && s.hasOneType() && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (1 + s.m() / ROWS);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        int rows = file.constant("kRows");
        int slabBytes = file.constant("kSlabBytes");
        int columns = columns(s, rows);
        var kernel = file.kernel("matmul_hopper_" + Weight.nameOf(s.aType()) + "_" + columns);
        stream.call(kernel)
                .boxes(p.a().codes(), slabBytes, rows)
                .boxes(p.w().codes(), slabBytes, columns)
                .optional(p.a().scales())
                .optional(p.w().scales())
                .matrix(p.out())
                .address(0)
                .number(s.m())
                .number(s.n())
                .number(s.k() * s.aType().bytes())
                .type(Scales.type(p.a().scales()))
                .type(p.w().scaleType())
                .number(Scales.perRow(p.a().scales()))
                .number(p.w().scalePerRow())
                .launch(Grid.of(Math.min(count(s, rows, columns), multiprocessors), kernel.threads()));
    }

    /** Of the widest tile of which the output has enough to give every multiprocessor one. */
    private int columns(Shape s, int rows) {
        int wide = file.constant("kWideColumns");
        return count(s, rows, wide) >= multiprocessors ? wide : file.constant("kNarrowColumns");
    }

    private static long count(Shape s, int rows, int columns) {
        return Math.ceilDiv(s.m(), (long) rows) * Math.ceilDiv(s.n(), (long) columns);
    }
}
