package io.octavo.engine.checkpoint;

import io.octavo.kernels.number.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;

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

    public boolean hasShape(long... dimensions) {
        return shape.equals(Arrays.stream(dimensions).boxed().toList());
    }
}
