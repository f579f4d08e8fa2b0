package io.octavo.engine.safetensors;

import io.octavo.kernels.number.DType;
import java.util.Collection;
import java.util.List;

/**
 * A tensor's name, number type and shape, before it has a place in a file.
 *
 * @param shape empty for rank 0, which holds one element; a zero dimension makes a tensor of no bytes
 */
public record TensorSpec(String name, DType dtype, List<Long> shape) {

    public TensorSpec {
        shape = List.copyOf(shape);
        byteSize(dtype, shape);
    }

    public TensorSpec(String name, DType dtype, long... shape) {
        this(name, dtype, boxed(shape));
    }

    private static List<Long> boxed(long[] shape) {
        Long[] dimensions = new Long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            dimensions[i] = shape[i];
        }
        return List.of(dimensions);
    }

    public long byteSize() {
        return byteSize(dtype, shape);
    }

    /** Bytes of all of them. */
    public static long byteSize(Collection<TensorSpec> tensors) {
        long bytes = 0;
        for (TensorSpec tensor : tensors) {
            bytes += tensor.byteSize();
        }
        return bytes;
    }

    /**
     * Bytes of a dense tensor.
     *
     * @throws IllegalArgumentException if a dimension is negative, or elements of fewer than 8 bits fill no whole bytes
     * @throws ArithmeticException if the product overflows, even where another dimension is zero
     */
    static long byteSize(DType dtype, List<Long> shape) {
        long elements = 1;
        boolean empty = false;
        for (long dimension : shape) {
            if (dimension < 0) {
                throw new IllegalArgumentException("negative dimension " + dimension);
            }
            empty |= dimension == 0;
            elements = Math.multiplyExact(elements, Math.max(dimension, 1));
        }
        if (dtype.bits() % Byte.SIZE == 0) {
            long bytes = Math.multiplyExact(elements, (long) dtype.bytes());
            return empty ? 0 : bytes;
        }
        long bits = empty ? 0 : Math.multiplyExact(elements, (long) dtype.bits());
        if (bits % Byte.SIZE != 0) {
            throw new IllegalArgumentException(shape + " of " + dtype + " are no whole bytes");
        }
        return bits / Byte.SIZE;
    }
}
