package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Finds NaN and infinity in tensors that are carried along. */
public final class FiniteNumbers {

    private static final long LANES_OF_16 = 0x0001000100010001L;
    private static final long LANES_OF_32 = 0x0000000100000001L;

    /** What masks attention holds infinities by intent. */
    private static final String MASK = "mask";

    private FiniteNumbers() {}

    /**
     * @param bytes of the tensor, from {@code from} on; of other types than F16, BF16 and F32 nothing is looked at
     * @throws QuantizationException {@code TENSOR_NOT_FINITE}, with the tensor and the number's place
     */
    public static void require(TensorInfo tensor, long from, MemorySegment bytes) {
        long exponents = exponents(tensor.dtype());
        if (exponents == 0 || tensor.name().contains(MASK)) {
            return;
        }
        long ones = tensor.dtype() == DType.F32 ? LANES_OF_32 : LANES_OF_16;
        long tops = ones << (tensor.dtype().bits() - 1);
        long words = bytes.byteSize() / Long.BYTES;
        for (long i = 0; i < words; i++) {
            // A lane becomes zero where all bits of its exponent are set.
            long lanes = (bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, i * Long.BYTES) & exponents) ^ exponents;
            if (((lanes - ones) & ~lanes & tops) != 0) {
                throw refused(tensor, (from + i * Long.BYTES) / tensor.dtype().bytes());
            }
        }
        long bits = tensor.dtype().bytes();
        for (long at = words * Long.BYTES; at < bytes.byteSize(); at += bits) {
            long lane = bits == Integer.BYTES
                    ? bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at)
                    : bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
            long mask = exponents & (bits == Integer.BYTES ? 0xFFFFFFFFL : 0xFFFFL);
            if ((lane & mask) == mask) {
                throw refused(tensor, (from + at) / bits);
            }
        }
    }

    /** The bits of the exponent, in every lane of a long. */
    private static long exponents(DType dtype) {
        return switch (dtype) {
            case BF16 -> 0x7F80L * LANES_OF_16;
            case F16 -> 0x7C00L * LANES_OF_16;
            case F32 -> 0x7F800000L * LANES_OF_32;
            default -> 0;
        };
    }

    private static QuantizationException refused(TensorInfo tensor, long element) {
        return new QuantizationException(
                ErrorCode.TENSOR_NOT_FINITE,
                "tensor " + tensor.name() + ", which is kept, holds NaN or infinity at or just behind element "
                        + element);
    }
}
