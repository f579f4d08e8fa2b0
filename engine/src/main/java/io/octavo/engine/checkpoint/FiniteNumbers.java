package io.octavo.engine.checkpoint;

import io.octavo.engine.failure.ErrorCode;
import io.octavo.engine.failure.QuantizationException;
import io.octavo.engine.safetensors.TensorInfo;
import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalLong;

/** Finds NaN and infinity in tensors, eight bytes at once, in loops that the compiler makes vectors of. */
public final class FiniteNumbers {

    /** What masks attention holds infinities by intent. */
    private static final String MASK = "mask";

    /** Looked at without a branch. */
    private static final int PIECE_WORDS = 1 << 12;

    private FiniteNumbers() {}

    /**
     * @param bytes of the tensor, from {@code from} on; of integers nothing is looked at
     * @throws QuantizationException {@code TENSOR_NOT_FINITE}, with the tensor and the number's place
     */
    public static void require(TensorInfo tensor, long from, MemorySegment bytes) {
        first(tensor, from, bytes).ifPresent(element -> {
            throw new QuantizationException(
                    ErrorCode.TENSOR_NOT_FINITE,
                    "tensor " + tensor.name() + ", which is kept, holds NaN or infinity at element " + element);
        });
    }

    /**
     * The first number of a tensor that is NaN or infinite, counted from the tensor's begin.
     *
     * @param bytes of the tensor, from {@code from} on, a whole element; of integers nothing is looked at
     */
    public static OptionalLong first(TensorInfo tensor, long from, MemorySegment bytes) {
        long pattern = pattern(tensor.dtype());
        if (pattern == 0 || tensor.name().contains(MASK)) {
            return OptionalLong.empty();
        }
        int width = tensor.dtype().bytes();
        long ones = lanes(1, width);
        long tops = ones << (tensor.dtype().bits() - 1);
        long patterns = lanes(pattern, width);
        long words = bytes.byteSize() / Long.BYTES;
        long[] piece = new long[(int) Math.min(words, PIECE_WORDS)];
        for (long begin = 0; begin < words; begin += piece.length) {
            int count = (int) Math.min(piece.length, words - begin);
            MemorySegment.copy(bytes, ValueLayout.JAVA_LONG_UNALIGNED, begin * Long.BYTES, piece, 0, count);
            long found = 0;
            for (int i = 0; i < count; i++) {
                // A lane becomes zero where all bits of the pattern are set.
                long lanes = (piece[i] & patterns) ^ patterns;
                found |= (lanes - ones) & ~lanes;
            }
            if ((found & tops) != 0) {
                return OptionalLong.of(from / width + firstOf(bytes, begin * Long.BYTES, pattern, width));
            }
        }
        long rest = firstOf(bytes, words * Long.BYTES, pattern, width);
        return rest < 0 ? OptionalLong.empty() : OptionalLong.of(from / width + rest);
    }

    /** The same one by one, from a byte on; -1 for none. */
    private static long firstOf(MemorySegment bytes, long from, long pattern, int width) {
        for (long at = from; at < bytes.byteSize(); at += width) {
            long lane = switch (width) {
                case 1 -> bytes.get(ValueLayout.JAVA_BYTE, at);
                case Short.BYTES -> bytes.get(ValueLayout.JAVA_SHORT_UNALIGNED, at);
                case Integer.BYTES -> bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at);
                default -> bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
            };
            if ((lane & pattern) == pattern) {
                return at / width;
            }
        }
        return -1;
    }

    private static long lanes(long lane, int width) {
        long lanes = 0;
        for (int at = 0; at < Long.BYTES; at += width) {
            lanes |= lane << (at * Byte.SIZE);
        }
        return lanes;
    }

    /** The bits that are all set in NaN and infinity and in no other number; 0 for types that have none. */
    private static long pattern(DType dtype) {
        return switch (dtype) {
            case F64 -> 0x7FF0_0000_0000_0000L;
            case F32 -> 0x7F80_0000L;
            case BF16 -> 0x7F80;
            case F16 -> 0x7C00;
            case F8_E5M2 -> 0x7C;
            case F8_E4M3 -> 0x7F;
            case F8_E8M0 -> 0xFF;
            default -> 0;
        };
    }
}
