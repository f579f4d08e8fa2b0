package io.octavo.kernels.internal.cuda.product;

import io.octavo.kernels.device.DeviceBuffer;
import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.internal.cuda.driver.CudaStream;
import io.octavo.kernels.internal.cuda.driver.DeviceMemory;
import io.octavo.kernels.number.DType;

/** A weight of 8 or 4 bits, decoded into scratch once for all rows, then multiplied by another kernel. */
final class DecodedWeight implements ProductKernel {

    /** Rows that are multiplied while a byte of the weight is read. */
    private static final double ROWS = 256;

    private final Decode decode;
    private final DeviceMemory memory;
    private final Products others;

    DecodedWeight(Decode decode, DeviceMemory memory, Products others) {
        this.decode = decode;
        this.memory = memory;
        this.others = others;
    }

    @Override
    public boolean takes(Shape s) {
        return s.isCoded()
                && (s.aType() == DType.BF16 || (s.aType() == DType.F32 && s.isPacked()))
                && s.aligned()
                && decode.takesGroupsOf(s.groupColumns());
    }

    /** The values are written and read. */
    @Override
    public double cost(Shape s) {
        double valueBytes = (double) s.valueBytes();
        return s.weightBytes() + valueBytes * (2 + s.m() / ROWS);
    }

    @Override
    public void launch(Product p, CudaStream stream) {
        Shape s = p.shape();
        Weight w = p.w();
        // Scales of groups cannot be applied to sums, so they go into the values, rounded.
        boolean scaled = w.isPacked() ? s.aType() == DType.BF16 : w.groups() > 1;
        try (DeviceBuffer scratch = memory.scratch("decoded weight", Matrix.bytes(DType.BF16, s.n(), s.k()), stream)) {
            Matrix values = Matrix.of(scratch, DType.BF16, s.n(), s.k());
            decode.launch(w, values, scaled, stream);
            others.launch(p.with(p.a(), Weight.of(values, scaled ? null : w.scales())), stream);
        }
    }
}
