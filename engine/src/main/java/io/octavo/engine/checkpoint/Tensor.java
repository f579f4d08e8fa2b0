package io.octavo.engine.checkpoint;

import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;

/**
 * A stored tensor.
 *
 * @param shape outermost dimension first; empty for rank 0
 * @param segment its bytes, row-major and little-endian, mapped read-only; borrowed from the checkpoint. Foreign files
 *     need not align it
 */
public record Tensor(String name, DType dtype, List<Long> shape, MemorySegment segment) {

    public Tensor {
        shape = List.copyOf(shape);
    }

    /**
     * One of the tensors that this is a stack of.
     *
     * @throws IndexOutOfBoundsException if there is none of this number
     */
    public Tensor slice(int index) {
        Objects.checkIndex(index, shape.isEmpty() ? 0 : shape.getFirst());
        long bytes = segment.byteSize() / shape.getFirst();
        return new Tensor(
                name + "[" + index + "]", dtype, shape.subList(1, shape.size()), segment.asSlice(index * bytes, bytes));
    }
}
