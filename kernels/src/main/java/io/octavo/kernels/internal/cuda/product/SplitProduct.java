package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.internal.cuda.driver.Grid;
import io.octavo.kernels.internal.cuda.driver.KernelFile;
import io.octavo.kernels.number.DType;

/**
 * Large products of F32 numbers: each number is the sum of two of BF16, and three of the four products of those, side by side
 * along k, are one product of BF16, which another kernel computes. What is left out is about 2^-16 of a product.
 */
final class SplitProduct implements ProductKernel {

    /** Where ordinary arithmetic takes no longer. */
    private static final int LEAST = 512;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 512;

    /** Rows of activations that are split at a time. */
    private static final int ROWS_AT_ONCE = 4096;

    private static final int PARTS = 3;

    private final KernelFile file;
    private final DeviceMemory memory;
    private final Products others;

    SplitProduct(KernelFile file, DeviceMemory memory, Products others) {
        this.file = file;
        this.memory = memory;
        this.others = others;
    }

    @Override
    public boolean takes(Shape s) {
        boolean large = s.m() >= LEAST && s.n() >= LEAST && s.k() >= LEAST;
        return large && s.isPlain(DType.F32) && s.hasOneType() && s.aligned() && s.k() % 8 == 0 && !s.bounded();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (2 + s.m() / ROWS);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        int columns = PARTS * s.k();
        int most = Math.min(s.m(), ROWS_AT_ONCE);
        try (DeviceBuffer left = memory.scratch("split product", Matrix.bytes(DType.BF16, most, columns), stream);
                DeviceBuffer right =
                        memory.scratch("split product", Matrix.bytes(DType.BF16, s.n(), columns), stream)) {
            Matrix w = Matrix.of(right, DType.BF16, s.n(), columns);
            split(p.w().codes(), true, w, stream);
            for (int from = 0; from < s.m(); from += most) {
                Product part = p.rows(from, Math.min(from + most, s.m()));
                Matrix a = Matrix.of(left, DType.BF16, part.a().rows(), columns);
                split(part.a().codes(), false, a, stream);
                others.launch(part.with(ScaledMatrix.plain(a), Weight.of(w, p.w().scales())), stream);
            }
        }
    }

    private void split(Matrix numbers, boolean isWeight, Matrix parts, CudaStream stream) {
        var kernel = file.kernel("split");
        stream.call(kernel)
                .matrix(numbers)
                .matrix(parts)
                .count(numbers.rows())
                .number((int) numbers.columns())
                .number(isWeight ? 1 : 0)
                .launch(Grid.covering(numbers.elements() / file.constant("kCount"), kernel.threads()));
    }
}
