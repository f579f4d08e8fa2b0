package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;

/** All types and shapes, on ordinary arithmetic: what no other takes. */
final class MatmulGeneral implements ProductKernel {

    /** Of a row, beside reading a byte of the weight. */
    private static final double COST = 100;

    private final KernelFile file;

    MatmulGeneral(KernelFile file) {
        this.file = file;
    }

    @Override
    public boolean takes(Shape s) {
        return !s.isPacked();
    }

    @Override
    public double cost(Shape s) {
        return COST * s.m() * s.weightBytes();
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        var aScales = p.a().scales();
        int tile = file.constant("kTile");
        var kernel = file.kernel("matmul_general");
        stream.call(kernel)
                .matrix(p.a().codes())
                .optional(aScales)
                .matrix(p.w().codes())
                .optional(p.w().scales())
                .matrix(p.out())
                .optional(p.bounds())
                .number(s.m())
                .number(s.n())
                .number(s.k())
                .number(s.groups())
                .type(s.aType())
                .type(p.w().codes().dtype())
                .type(Scales.type(aScales))
                .type(p.w().scaleType())
                .number(Scales.perRow(aScales))
                .number(p.w().scalePerRow())
                .launch(new Grid(Math.ceilDiv(s.n(), tile), Math.ceilDiv(s.m(), tile), 1, kernel.threads()));
    }
}
