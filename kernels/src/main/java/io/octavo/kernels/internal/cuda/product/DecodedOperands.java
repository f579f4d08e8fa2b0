package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.number.DType;

/**
 * E4M3 by E4M3 as BF16, which holds these codes exactly: Hopper's own products of 8-bit floats keep some 13 bits of a sum, too
 * few for the bounds of docs/kernels.md.
 */
final class DecodedOperands implements ProductKernel {

    /** Below, decoding costs more than the faster product saves. */
    private static final int LEAST_ROWS = 512;

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 1024;

    private final Decode decode;
    private final DeviceMemory memory;
    private final ProductKernel bf16;

    DecodedOperands(Decode decode, DeviceMemory memory, ProductKernel bf16) {
        this.decode = decode;
        this.memory = memory;
        this.bf16 = bf16;
    }

    @Override
    public boolean takes(Shape s) {
        return s.aType() == DType.F8_E4M3 && s.hasOneType() && !s.bounded() && s.m() >= LEAST_ROWS && s.aligned();
    }

    @Override
    public double cost(Shape s) {
        return s.weightBytes() * (5 + s.m() / ROWS);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        long activations = Matrix.bytes(DType.BF16, s.m(), s.k());
        long weights = Matrix.bytes(DType.BF16, s.n(), s.k());
        try (DeviceBuffer scratch = memory.scratch("decoded operands", activations + weights, stream)) {
            Matrix left = Matrix.of(scratch, DType.BF16, s.m(), s.k());
            Matrix right = new Matrix(scratch, activations, DType.BF16, s.n(), s.k());
            decode.launch(Weight.of(p.a()), left, false, stream);
            decode.launch(p.w(), right, false, stream);
            bf16.launch(p.with(new ScaledMatrix(left, p.a().scales()), Weight.of(right, p.w().scales())), stream);
        }
    }
}
