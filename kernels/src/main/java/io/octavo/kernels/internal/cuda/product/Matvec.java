package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.number.DType;

/**
 * Few rows of plain numbers by ordinary arithmetic: the fastest for one row of a plain weight, since reading that takes all the
 * time. Codes, which have to be decoded, are {@link MatmulStream}'s before.
 */
final class Matvec implements ProductKernel {

    private static final double CODES_COST = 1.03;

    private final KernelFile file;

    Matvec(KernelFile file) {
        this.file = file;
    }

    @Override
    public boolean takes(Shape s) {
        return (s.isPlain(DType.F32) || s.isPlain(DType.BF16))
                && !s.isPacked()
                && s.groups() == 1
                && !s.bounded()
                && s.m() <= file.constant("kMostRows")
                && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * s.m() * (s.isCoded() ? CODES_COST : 1);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        int rows = Integer.highestOneBit(2 * s.m() - 1);
        var kernel = file.kernel("matvec_" + p.w().type() + "_" + rows);
        stream.call(kernel)
                .matrix(p.a().codes())
                .matrix(p.w().codes())
                .optional(p.w().scales())
                .matrix(p.out())
                .number(s.m())
                .number(s.n())
                .number(s.k())
                .type(s.aType())
                .type(p.w().scaleType())
                .number(p.w().scalePerRow())
                .launch(Grid.of(Math.ceilDiv(s.n(), file.constant("kBlockOutputs")), kernel.threads()));
    }
}
