package io.octavo.kernels.internal.host;

import io.octavo.kernels.device.Matrix;
import io.octavo.kernels.device.ScaledMatrix;
import io.octavo.kernels.device.Stream;
import io.octavo.kernels.number.DType;
import io.octavo.kernels.product.MatMul;
import io.octavo.kernels.product.PackedMatMul;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Unpacks the weight to bytes and multiplies those: processors gain nothing from fewer bits. */
public final class HostPackedMatMul implements PackedMatMul {

    private static final int OFFSET = 8;

    private final MatMul matMul;

    public HostPackedMatMul(MatMul matMul) {
        this.matMul = matMul;
    }

    @Override
    public void multiply(Matrix a, Matrix codes, Matrix scales, Matrix out, Stream stream) {
        HostStream.require(stream);
        PackedMatMul.check(a, codes, scales, out);
        // Several threads of the backend read the bytes.
        try (Arena arena = Arena.ofShared();
                HostBuffer bytes =
                        HostBuffer.borrowing("unpacked weight", unpack(HostBuffer.segmentOf(codes), arena))) {
            Matrix unpacked = Matrix.of(bytes, DType.I8, codes.rows(), 2 * codes.columns());
            matMul.multiply(ScaledMatrix.plain(a), new ScaledMatrix(unpacked, scales), out, stream);
        }
    }

    private static MemorySegment unpack(MemorySegment codes, Arena arena) {
        MemorySegment unpacked = arena.allocate(2 * codes.byteSize(), Long.BYTES);
        for (long i = 0; i < codes.byteSize(); i++) {
            byte both = codes.get(ValueLayout.JAVA_BYTE, i);
            unpacked.set(ValueLayout.JAVA_BYTE, 2 * i, (byte) ((both & 0xF) - OFFSET));
            unpacked.set(ValueLayout.JAVA_BYTE, 2 * i + 1, (byte) (((both >> 4) & 0xF) - OFFSET));
        }
        return unpacked;
    }
}
