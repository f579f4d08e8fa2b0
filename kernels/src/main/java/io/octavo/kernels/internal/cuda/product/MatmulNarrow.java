package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.number.DType;
import java.util.List;

/** BF16 by BF16 for a tile of rows. */
final class MatmulNarrow implements ProductKernel {

    /** More than {@link Matvec} takes for one row. */
    private static final double COST = 1.01;

    private final KernelFile file;
    private final int multiprocessors;

    MatmulNarrow(KernelFile file, int multiprocessors) {
        this.file = file;
        this.multiprocessors = multiprocessors;
    }

    @Override
    public boolean takes(Shape s) {
        return s.isPlain(DType.BF16) && s.hasOneType() && s.m() <= file.constant("kRows") && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return COST * s.weightBytes();
    }

    @Override
    public List<Integer> groupTiles() {
        return List.of(file.constant("kRows") / 2, file.constant("kRows"));
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.tileShape();
        int columns = file.constant("kColumns");
        int many = file.constant("kManyTiles");
        boolean fillsDevice = s.n() >= (long) many * columns * multiprocessors * 3 / 4 / p.tiles();
        int tiles = fillsDevice ? many : file.constant("kFewTiles");
        int all = file.constant("kRows");
        int rows = s.m() <= all / 2 ? all / 2 : all;
        var kernel = file.kernel("matmul_narrow_" + tiles + "_" + rows);
        stream.call(kernel)
                .matrix(p.a().codes())
                .matrix(p.w().codes())
                .optional(p.w().scales())
                .matrix(p.out())
                .optional(p.bounds())
                .address(p.table())
                .number(p.weightCount())
                .number(p.shape().m())
                .number(s.n())
                .number(s.k())
                .type(p.w().scaleType())
                .number(p.w().scalePerRow())
                .launch(new Grid(Math.ceilDiv(s.n(), tiles * columns), 1, p.tiles(), kernel.threads()));
    }
}
